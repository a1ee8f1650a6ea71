import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type ArtifactRoot, listingQuery } from '../api/artifacts.ts';
import type { WireFile } from '../api/wire.ts';
import { CopyButton } from '../components/copy-button.tsx';
import { Icon } from '../components/icon.tsx';
import { EmptyState, ErrorNotice, explain, Loading } from '../components/notice.tsx';
import { formatBytes } from '../format/number.ts';
import { FilePreview } from './preview.tsx';

interface Props {
  root: ArtifactRoot;
  location: string;
  path: string;
  onOpen: (path: string) => void;
  emptyCode: string;
}

export function ArtifactBrowser({ root, location, path, onOpen, emptyCode }: Props) {
  const top = useQuery(listingQuery(root, ''));
  if (top.isPending) return <Loading what="artifacts" />;
  if (top.isError && !top.data) return <ErrorNotice what="The artifacts" error={top.error} retry={top.refetch} />;
  if (top.data?.files.length === 0) return <EmptyState title="No artifacts yet" code={emptyCode} />;
  return (
    <>
      <p className="facts">
        <span className="location">
          <code>{location}</code> <CopyButton text={location} label="Copy artifact location" />
        </span>
      </p>
      <div className="artifacts">
        <nav aria-label="Artifacts" className="card tree">
          <Folder root={root} path="" open={path} onOpen={onOpen} />
        </nav>
        <section aria-label="Preview" className="card preview">
          {path === '' ? (
            <p className="faint">Choose a file to look at it.</p>
          ) : (
            <OpenFile key={path} root={root} path={path} />
          )}
        </section>
      </div>
    </>
  );
}

interface FolderProps {
  root: ArtifactRoot;
  path: string;
  open: string;
  onOpen: (path: string) => void;
}

function Folder({ root, path, open, onOpen }: FolderProps) {
  const listing = useQuery(listingQuery(root, path));
  if (listing.isPending) return <p className="faint">Loading …</p>;
  if (listing.isError && !listing.data) return <p className="field-error">{explain(listing.error)}</p>;
  return (
    <ul>
      {listing.data?.files.map((file) => (
        <li key={file.path}>
          {file.is_dir ? (
            <FolderEntry root={root} path={file.path} open={open} onOpen={onOpen} />
          ) : (
            <FileEntry file={file} current={file.path === open} onOpen={onOpen} />
          )}
        </li>
      ))}
      {listing.data?.files.length === 0 && <li className="faint">empty</li>}
      {listing.data?.truncated && <li className="faint">There are more files than are listed here.</li>}
    </ul>
  );
}

/** Opens by itself where it leads to the file in the URL. */
function FolderEntry(props: FolderProps) {
  const [expanded, setExpanded] = useState(props.open.startsWith(`${props.path}/`));
  return (
    <>
      <button type="button" className="entry" aria-expanded={expanded} onClick={() => setExpanded(!expanded)}>
        <Icon name={expanded ? 'down' : 'right'} />
        {baseName(props.path)}
      </button>
      {expanded && <Folder {...props} />}
    </>
  );
}

function FileEntry(props: { file: WireFile; current: boolean; onOpen: (path: string) => void }) {
  const { file, current, onOpen } = props;
  return (
    <button
      type="button"
      className="entry"
      aria-current={current ? 'true' : undefined}
      title={file.path}
      onClick={() => onOpen(file.path)}
    >
      <span className="file-name">{baseName(file.path)}</span>
      <span className="faint">{formatBytes(file.file_size ?? 0)}</span>
    </button>
  );
}

/** The size comes from the folder that holds the file, which the tree shows already. */
function OpenFile({ root, path }: { root: ArtifactRoot; path: string }) {
  const folder = useQuery(listingQuery(root, path.slice(0, Math.max(0, path.lastIndexOf('/')))));
  if (folder.isPending) return <Loading what={path} />;
  if (folder.isError && !folder.data) return <ErrorNotice what={path} error={folder.error} retry={folder.refetch} />;
  const file = folder.data?.files.find((entry) => entry.path === path);
  if (file === undefined || file.is_dir) return <p className="faint">There is no file {path}.</p>;
  return <FilePreview root={root} file={file} />;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
