import { useMemo } from 'react';
import { type Block, type Inline, parseMarkdown } from './markdown.ts';

export function Markdown({ text }: { text: string }) {
  const blocks = useMemo(() => parseMarkdown(text), [text]);
  return <div className="markdown">{blocks.map(drawBlock)}</div>;
}

/** The tree has no identities; a note that changes is drawn anew. */
function drawBlock(block: Block, key: number) {
  switch (block.kind) {
    case 'heading': {
      const Heading = block.level <= 2 ? 'h3' : 'h4';
      return <Heading key={key}>{block.children.map(drawInline)}</Heading>;
    }
    case 'paragraph':
      return <p key={key}>{block.children.map(drawInline)}</p>;
    case 'code':
      return (
        <pre key={key} className="code">
          <code>{block.text}</code>
        </pre>
      );
    case 'list': {
      const List = block.ordered ? 'ol' : 'ul';
      return (
        <List key={key}>
          {block.items.map((item, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: see above
            <li key={i}>{item.map(drawInline)}</li>
          ))}
        </List>
      );
    }
  }
}

function drawInline(inline: Inline, key: number) {
  switch (inline.kind) {
    case 'text':
      return inline.text;
    case 'code':
      return <code key={key}>{inline.text}</code>;
    case 'strong':
      return <strong key={key}>{inline.children.map(drawInline)}</strong>;
    case 'emphasis':
      return <em key={key}>{inline.children.map(drawInline)}</em>;
    case 'link':
      return (
        <a key={key} href={inline.href} target="_blank" rel="noopener noreferrer nofollow">
          {inline.children.map(drawInline)}
        </a>
      );
  }
}
