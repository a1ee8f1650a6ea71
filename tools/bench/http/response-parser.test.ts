import { describe, expect, it } from 'vitest';
import { ResponseParser } from './response-parser.ts';

const FIXED = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"a":"b\\nü"}';
const CHUNKED =
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n10;x=y\r\n, world of bytes\r\n0\r\nx-trailer: 1\r\n\r\n';

describe('ResponseParser', () => {
  for (const [name, text, body] of [
    ['a fixed length', FIXED, '{"a":"b\\nü"}'],
    ['chunks', CHUNKED, 'hello, world of bytes'],
    ['no body at all', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', ''],
  ] as const) {
    it(`reads ${name}, cut at any two places`, () => {
      const bytes = Buffer.from(text);
      for (let first = 0; first <= bytes.length; first++) {
        for (let second = first; second <= bytes.length; second += 7) {
          const parser = new ResponseParser(true);
          const done = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]
            .filter((piece) => piece.length > 0)
            .map((piece) => parser.push(piece));
          expect(done.at(-1)).toBe(true);
          expect(parser.status).toBe(200);
          expect(parser.body).toBe(body);
          expect(parser.bodyBytes).toBe(Buffer.byteLength(body));
        }
      }
    });
  }

  it('is not done before the last byte', () => {
    for (const text of [FIXED, CHUNKED]) {
      expect(new ResponseParser(false).push(Buffer.from(text).subarray(0, -1))).toBe(false);
    }
  });

  it('only counts a body that nobody wants, but keeps what an error says', () => {
    const counted = new ResponseParser(false);
    counted.push(Buffer.from(FIXED));
    expect([counted.bodyBytes, counted.body]).toEqual([13, '']);

    const failed = new ResponseParser(false);
    failed.push(Buffer.from('HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone'));
    expect([failed.status, failed.body]).toEqual([404, 'gone']);
  });
});
