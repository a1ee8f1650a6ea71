/** How a file can be looked at without ever letting it run: as text, or as a picture of a kind that holds no script. */
export type Preview =
  | { kind: 'text' }
  | { kind: 'json' }
  | { kind: 'image'; type: string }
  | { kind: 'none'; why: string };

export const TEXT_LIMIT = 1_000_000;
export const IMAGE_LIMIT = 20_000_000;

/** SVG is not among them: it is a document that can carry script. */
const IMAGES = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
]);

const TEXTS = new Set(
  'txt log md rst csv tsv json jsonl ndjson yaml yml toml ini cfg conf env xml html htm svg css js mjs ts tsx jsx py pyi ipynb r rmd jl java scala kt go rs c h cpp hpp cu sh bash zsh sql proto tex diff patch lock properties graphql mlmodel mlproject dockerfile makefile requirements license readme'.split(
    ' ',
  ),
);

export function previewOf(path: string, size: number | undefined): Preview {
  const extension = extensionOf(path);
  const image = IMAGES.get(extension);
  if (image !== undefined) {
    return tooLarge(size, IMAGE_LIMIT)
      ? { kind: 'none', why: 'The picture is too large to show here.' }
      : { kind: 'image', type: image };
  }
  if (!TEXTS.has(extension)) return { kind: 'none', why: 'Files of this kind are not shown here.' };
  if (tooLarge(size, TEXT_LIMIT)) return { kind: 'none', why: 'Files over 1 MB are not shown here.' };
  return { kind: extension === 'json' || extension === 'ipynb' ? 'json' : 'text' };
}

/** `MLmodel`, `Dockerfile` and the like are known by their whole name. */
function extensionOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  const dot = name.lastIndexOf('.');
  return dot < 0 ? name : name.slice(dot + 1);
}

function tooLarge(size: number | undefined, limit: number): boolean {
  return size !== undefined && size > limit;
}

/** Text has no NUL; what claims to be text and is not would fill the page with noise. */
export function decodeText(bytes: ArrayBuffer): string | undefined {
  const text = new TextDecoder().decode(bytes);
  return text.slice(0, 4096).includes('\0') ? undefined : text;
}

/** Indented where it parses, as it stands where it does not (NaN, comments, or cut off). */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
