import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { type ArtifactRoot, fileUrl, readFile } from '../api/artifacts.ts';
import type { WireFile } from '../api/wire.ts';
import { CopyButton } from '../components/copy-button.tsx';
import { ErrorNotice, Loading } from '../components/notice.tsx';
import { formatBytes } from '../format/number.ts';
import { decodeText, IMAGE_LIMIT, prettyJson, previewOf, TEXT_LIMIT } from './kind.ts';

export function FilePreview({ root, file }: { root: ArtifactRoot; file: WireFile }) {
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  const preview = previewOf(file.path, file.file_size);
  return (
    <>
      <div className="card-head">
        <h2 title={file.path}>
          {file.path} <CopyButton text={file.path} label="Copy path" />
        </h2>
        <span className="faint">{formatBytes(file.file_size ?? 0)}</span>
        <a className="button" href={fileUrl(root, file.path)} download={name}>
          Download
        </a>
      </div>
      {preview.kind === 'none' ? (
        <p className="faint">{preview.why}</p>
      ) : (
        <Content
          root={root}
          file={file}
          imageType={preview.kind === 'image' ? preview.type : undefined}
          json={preview.kind === 'json'}
        />
      )}
    </>
  );
}

interface ContentProps {
  root: ArtifactRoot;
  file: WireFile;
  imageType: string | undefined;
  json: boolean;
}

function Content({ root, file, imageType, json }: ContentProps) {
  const content = useQuery({
    queryKey: ['file', root.kind, root.id, file.path, file.file_size],
    queryFn: ({ signal }) => readFile(root, file.path, imageType === undefined ? TEXT_LIMIT : IMAGE_LIMIT, signal),
    gcTime: 30_000,
    staleTime: 30_000,
    structuralSharing: false,
  });
  if (content.isPending) return <Loading what={file.path} />;
  if (content.isError && !content.data) {
    return <ErrorNotice what={file.path} error={content.error} retry={content.refetch} />;
  }
  if (content.data === undefined) return null;
  if (imageType !== undefined) return <Picture bytes={content.data} type={imageType} alt={file.path} />;
  const text = decodeText(content.data);
  if (text === undefined) return <p className="faint">This is not text, though its name says so.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: long lines scroll, also by keyboard
    <pre className="code file" tabIndex={0}>
      <code>{json ? prettyJson(text) : text}</code>
    </pre>
  );
}

/** The type is ours, from a list without active kinds; what the file says of itself is not asked. */
function Picture({ bytes, type, alt }: { bytes: ArrayBuffer; type: string; alt: string }) {
  const [url, setUrl] = useState<string | undefined>();
  const [broken, setBroken] = useState(false);
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([bytes], { type }));
    setUrl(made);
    setBroken(false);
    return () => URL.revokeObjectURL(made);
  }, [bytes, type]);
  if (broken) return <p className="faint">The picture cannot be read.</p>;
  return url && <img className="picture" src={url} alt={alt} onError={() => setBroken(true)} />;
}
