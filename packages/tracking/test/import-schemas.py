"""Takes an MLflow database through every schema that came after it, and keeps a copy at each: <database> <folder>.
Prints the revisions in their order."""

import os
import shutil
import sys

os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", GIT_PYTHON_REFRESH="quiet")

import sqlalchemy
from alembic import command
from alembic.script import ScriptDirectory
from mlflow.store.db.utils import _get_alembic_config

database, folder = sys.argv[1:]
config = _get_alembic_config(f"sqlite:///{database}")
engine = sqlalchemy.create_engine(f"sqlite:///{database}")
with engine.begin() as connection:
    start = connection.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).scalar()
scripts = list(ScriptDirectory.from_config(config).walk_revisions(start, "heads"))[::-1]
for script in scripts:
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, script.revision)
    engine.dispose()
    shutil.copy(database, os.path.join(folder, f"{script.revision}.db"))
print("\n" + " ".join(script.revision for script in scripts))
