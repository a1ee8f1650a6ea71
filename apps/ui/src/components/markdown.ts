// The part of Markdown that notes need, read into a tree. Nothing here is ever HTML: the view makes elements of it one by one.

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'strong' | 'emphasis'; children: Inline[] }
  | { kind: 'link'; href: string; children: Inline[] };

export type Block =
  | { kind: 'heading'; level: number; children: Inline[] }
  | { kind: 'paragraph'; children: Inline[] }
  | { kind: 'code'; text: string }
  | { kind: 'list'; ordered: boolean; items: Inline[][] };

const FENCE = /^```/;
const HEADING = /^(#{1,4})\s+(.*)$/;
const BULLET = /^\s*[-*+]\s+(.*)$/;
const NUMBER = /^\s*\d{1,9}[.)]\s+(.*)$/;

export function parseMarkdown(text: string): Block[] {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (line.trim() === '') {
      at += 1;
    } else if (FENCE.test(line)) {
      const end = lines.findIndex((other, i) => i > at && FENCE.test(other));
      const stop = end < 0 ? lines.length : end;
      blocks.push({ kind: 'code', text: lines.slice(at + 1, stop).join('\n') });
      at = stop + 1;
    } else if (HEADING.test(line)) {
      const [, marks = '', title = ''] = HEADING.exec(line) ?? [];
      blocks.push({ kind: 'heading', level: marks.length, children: parseInline(title) });
      at += 1;
    } else if (BULLET.test(line) || NUMBER.test(line)) {
      const ordered = !BULLET.test(line);
      const items = takeWhile(lines, at, ordered ? NUMBER : BULLET);
      blocks.push({ kind: 'list', ordered, items: items.map((item) => parseInline(item)) });
      at += items.length;
    } else {
      const end = lines.findIndex((other, i) => i > at && startsBlock(other));
      const stop = end < 0 ? lines.length : end;
      blocks.push({ kind: 'paragraph', children: parseInline(lines.slice(at, stop).join('\n')) });
      at = stop;
    }
  }
  return blocks;
}

function startsBlock(line: string): boolean {
  return line.trim() === '' || [FENCE, HEADING, BULLET, NUMBER].some((pattern) => pattern.test(line));
}

function takeWhile(lines: readonly string[], from: number, pattern: RegExp): string[] {
  const taken: string[] = [];
  for (const line of lines.slice(from)) {
    const match = pattern.exec(line);
    if (match === null) break;
    taken.push(match[1] ?? '');
  }
  return taken;
}

/** Every part is bounded: a mark that is never closed costs a short look ahead, not the whole note. */
const INLINE =
  /`([^`\n]{1,500})`|\*\*([^\n]{1,500}?)\*\*(?!\*)|(?<![\w*])\*([^\s*][^*\n]{0,500})\*|\[([^\]\n]{1,300})\]\(([^()\s]{1,2000})\)|(https?:\/\/[^\s<>()]{1,2000}[\w/])/;

/** Marks nest a few times at most: a note of nothing but stars must not exhaust the stack. */
const DEEPEST = 3;

export function parseInline(text: string, depth = 0): Inline[] {
  if (depth > DEEPEST) return [{ kind: 'text', text }];
  const parts: Inline[] = [];
  let rest = text;
  for (let match = INLINE.exec(rest); match !== null; match = INLINE.exec(rest)) {
    if (match.index > 0) parts.push({ kind: 'text', text: rest.slice(0, match.index) });
    parts.push(inlineOf(match, depth));
    rest = rest.slice(match.index + match[0].length);
  }
  if (rest !== '') parts.push({ kind: 'text', text: rest });
  return parts;
}

function inlineOf(match: RegExpExecArray, depth: number): Inline {
  const [whole, code, strong, emphasis, label, target, url] = match;
  if (code !== undefined) return { kind: 'code', text: code };
  if (strong !== undefined) return { kind: 'strong', children: parseInline(strong, depth + 1) };
  if (emphasis !== undefined) return { kind: 'emphasis', children: parseInline(emphasis, depth + 1) };
  const href = safeHref(target ?? url ?? '');
  if (href === undefined) return { kind: 'text', text: whole };
  return { kind: 'link', href, children: [{ kind: 'text', text: label ?? href }] };
}

/** Only absolute web addresses: neither scripts nor places inside this app. */
export function safeHref(target: string): string | undefined {
  if (!URL.canParse(target)) return undefined;
  const { protocol, href } = new URL(target);
  return protocol === 'https:' || protocol === 'http:' ? href : undefined;
}
