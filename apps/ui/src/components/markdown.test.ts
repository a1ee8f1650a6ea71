import { expect, test } from 'vitest';
import { parseInline, parseMarkdown, safeHref } from './markdown.ts';

test('blocks', () => {
  const blocks = parseMarkdown('# Title\nFirst line\nsecond\n\n- one\n- two\n1. a\n```py\n# not a title\n```\nend');
  expect(blocks).toEqual([
    { kind: 'heading', level: 1, children: [{ kind: 'text', text: 'Title' }] },
    { kind: 'paragraph', children: [{ kind: 'text', text: 'First line\nsecond' }] },
    { kind: 'list', ordered: false, items: [[{ kind: 'text', text: 'one' }], [{ kind: 'text', text: 'two' }]] },
    { kind: 'list', ordered: true, items: [[{ kind: 'text', text: 'a' }]] },
    { kind: 'code', text: '# not a title' },
    { kind: 'paragraph', children: [{ kind: 'text', text: 'end' }] },
  ]);
});

test('inline marks nest, and code is left alone', () => {
  expect(parseInline('a **b *c*** `**d**` e')).toEqual([
    { kind: 'text', text: 'a ' },
    {
      kind: 'strong',
      children: [
        { kind: 'text', text: 'b ' },
        { kind: 'emphasis', children: [{ kind: 'text', text: 'c' }] },
      ],
    },
    { kind: 'text', text: ' ' },
    { kind: 'code', text: '**d**' },
    { kind: 'text', text: ' e' },
  ]);
});

test('markup is text', () => {
  expect(parseMarkdown('<img src=x onerror=alert(1)>')).toEqual([
    { kind: 'paragraph', children: [{ kind: 'text', text: '<img src=x onerror=alert(1)>' }] },
  ]);
});

test.each([
  'javascript:alert(1)',
  ' JAVASCRIPT:alert(1)',
  'java\nscript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:x',
  'blob:https://a/b',
  '//evil.example',
  '/experiments',
  '#/x',
])('%j is no link', (target) => {
  expect(safeHref(target)).toBeUndefined();
});

test('a link that is not safe stays visible as it was written', () => {
  expect(parseInline('[go](javascript:alert)')).toEqual([{ kind: 'text', text: '[go](javascript:alert)' }]);
  expect(parseInline('[go](https://example.org/a)')).toEqual([
    { kind: 'link', href: 'https://example.org/a', children: [{ kind: 'text', text: 'go' }] },
  ]);
});

test('an open fence ends with the note', () => {
  expect(parseMarkdown('```\nx')).toEqual([{ kind: 'code', text: 'x' }]);
});

test('long runs of marks do not take long', () => {
  expect(parseMarkdown('*'.repeat(50_000)).length).toBe(1);
  expect(parseMarkdown('['.repeat(20_000)).length).toBe(1);
});
