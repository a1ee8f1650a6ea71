package acceptance;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.mlflow.api.proto.Service.Experiment;
import org.mlflow.api.proto.Service.FileInfo;
import org.mlflow.api.proto.Service.Metric;
import org.mlflow.api.proto.Service.Param;
import org.mlflow.api.proto.Service.Run;
import org.mlflow.api.proto.Service.RunInfo;
import org.mlflow.api.proto.Service.RunStatus;
import org.mlflow.api.proto.Service.RunTag;
import org.mlflow.api.proto.Service.ViewType;
import org.mlflow.tracking.ActiveRun;
import org.mlflow.tracking.MlflowClient;
import org.mlflow.tracking.MlflowContext;
import org.mlflow.tracking.MlflowHttpException;
import org.mlflow.tracking.Page;
import org.mlflow.tracking.RunsPage;

/** What a Java program does with its client; each check prints a line, and any mismatch makes the exit status 1. */
public final class Main {
  private static final List<String> failures = new ArrayList<>();
  private static final MlflowClient client = new MlflowClient(System.getenv("MLFLOW_TRACKING_URI"));

  private interface Check {
    void run() throws Exception;
  }

  private static void check(String name, Check body) {
    try {
      body.run();
      System.out.println("passed " + name);
    } catch (Throwable error) {
      failures.add(name);
      System.out.println("failed " + name + ": " + String.valueOf(error).replace('\n', ' '));
    }
  }

  private static void same(Object expected, Object actual) {
    if (!Objects.equals(expected, actual)) throw new AssertionError("expected " + expected + ", got " + actual);
  }

  private static int statusOf(Runnable call) {
    try {
      call.run();
    } catch (MlflowHttpException error) {
      return error.getStatusCode();
    }
    throw new AssertionError("the call succeeded");
  }

  private static Map<String, String> tags(Run run) {
    Map<String, String> tags = new TreeMap<>();
    for (RunTag tag : run.getData().getTagsList()) tags.put(tag.getKey(), tag.getValue());
    return tags;
  }

  public static void main(String[] args) throws Exception {
    String name = "java-" + UUID.randomUUID();
    String experiment = client.createExperiment(name);
    RunInfo info = client.createRun(experiment);
    String run = info.getRunId();

    check("experiment", () -> {
      Experiment read = client.getExperiment(experiment);
      same(name, read.getName());
      same("active", read.getLifecycleStage());
      same(experiment, client.getExperimentByName(name).get().getExperimentId());
      same(Optional.empty(), client.getExperimentByName(name + " absent"));
      client.setExperimentTag(experiment, "team", "java");
      same("java", client.getExperiment(experiment).getTags(0).getValue());
      client.renameExperiment(experiment, name + " renamed");
      same(name + " renamed", client.getExperiment(experiment).getName());
      List<Experiment> found = client
          .searchExperiments("name = '" + name + " renamed'", ViewType.ACTIVE_ONLY, 10, List.of("name ASC"))
          .getItems();
      same(1, found.size());
    });

    check("metrics, params and tags", () -> {
      client.logMetric(run, "loss", 0.5, 1_000L, 1L);
      client.logMetric(run, "loss", 0.25, 2_000L, 2L);
      client.logMetric(run, "nan", Double.NaN);
      client.logParam(run, "lr", "0.1");
      client.setTag(run, "owner", "ünï");
      client.setTag(run, "gone", "x");
      client.deleteTag(run, "gone");
      Run read = client.getRun(run);
      for (Metric metric : read.getData().getMetricsList()) {
        if (metric.getKey().equals("loss")) same(0.25, metric.getValue());
        else same(true, Double.isNaN(metric.getValue()));
      }
      same(2, read.getData().getMetricsCount());
      same("0.1", read.getData().getParams(0).getValue());
      same("ünï", tags(read).get("owner"));
      same(false, tags(read).containsKey("gone"));
      List<Metric> history = client.getMetricHistory(run, "loss");
      same(2, history.size());
      same(1_000L, history.get(0).getTimestamp());
      same(2L, history.get(1).getStep());
    });

    check("batch", () -> {
      List<Metric> metrics = new ArrayList<>();
      for (int at = 0; at < 500; at++) {
        metrics.add(Metric.newBuilder().setKey("b").setValue(at).setTimestamp(at).setStep(at).build());
      }
      List<Param> params = List.of(Param.newBuilder().setKey("p").setValue("v").build());
      List<RunTag> tags = List.of(RunTag.newBuilder().setKey("t").setValue("v").build());
      client.logBatch(run, metrics, params, tags);
      client.logBatch(run, metrics, params, tags);
      same(500, client.getMetricHistory(run, "b").size());
      same("v", tags(client.getRun(run)).get("t"));
    });

    check("search", () -> {
      for (int at = 0; at < 5; at++) client.createRun(experiment);
      same(1, client.searchRuns(List.of(experiment), "metrics.loss < 0.3 and params.lr = '0.1'").size());
      RunsPage page =
          client.searchRuns(List.of(experiment), "", ViewType.ACTIVE_ONLY, 4, List.of("metrics.loss DESC"));
      same(4, page.getItems().size());
      same(run, page.getItems().get(0).getInfo().getRunId());
      Page<Run> last = page.getNextPage();
      List<Run> rest = new ArrayList<>();
      last.getItems().forEach(rest::add);
      same(2, rest.size());
      same(false, last.hasNextPage());
    });

    check("artifacts", () -> {
      Path folder = Files.createTempDirectory("acceptance-java");
      Path file = folder.resolve("note.txt");
      Files.write(file, "from Java".getBytes(StandardCharsets.UTF_8));
      client.logArtifact(run, file.toFile(), "sub");
      List<FileInfo> listed = client.listArtifacts(run, "sub");
      same(1, listed.size());
      same("sub/note.txt", listed.get(0).getPath());
      same(9L, listed.get(0).getFileSize());
      File fetched = client.downloadArtifacts(run, "sub/note.txt");
      same("from Java", Files.readString(fetched.toPath()));
    });

    check("delete and restore", () -> {
      client.deleteRun(run);
      same("deleted", client.getRun(run).getInfo().getLifecycleStage());
      client.restoreRun(run);
      client.setTerminated(run, RunStatus.FINISHED, 5_000L);
      RunInfo ended = client.getRun(run).getInfo();
      same(List.of(RunStatus.FINISHED, 5_000L), Arrays.asList(ended.getStatus(), ended.getEndTime()));
      client.deleteExperiment(experiment);
      same("deleted", client.getExperiment(experiment).getLifecycleStage());
      client.restoreExperiment(experiment);
      same("active", client.getExperiment(experiment).getLifecycleStage());
    });

    check("errors", () -> {
      same(404, statusOf(() -> client.getRun("0".repeat(32))));
      same(400, statusOf(() -> client.createExperiment("Default")));
      same(400, statusOf(() -> client.logParam(run, "lr", "another")));
    });

    check("context", () -> {
      MlflowContext context = new MlflowContext(client);
      context.setExperimentId(experiment);
      ActiveRun active = context.startRun("from a context");
      active.logMetric("m", 1.0);
      active.logParams(Map.of("a", "1", "b", "2"));
      active.endRun();
      Run read = client.getRun(active.getId());
      same(RunStatus.FINISHED, read.getInfo().getStatus());
      same(2, read.getData().getParamsCount());
      same("from a context", read.getInfo().getRunName());
    });

    System.exit(failures.isEmpty() ? 0 : 1);
  }
}
