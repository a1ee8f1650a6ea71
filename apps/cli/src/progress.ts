const EVERY_MS = 3_000;

/** Progress of long work: one line that changes where a person watches, a line now and then in a log. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  #last = 0;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  show(text: string): void {
    const now = Date.now();
    if (this.#stream.isTTY) {
      if (now - this.#last < 100) return;
      this.#stream.write(`\r\x1b[K${text}`);
    } else {
      if (now - this.#last < EVERY_MS) return;
      this.#stream.write(`${text}\n`);
    }
    this.#last = now;
  }

  /** Clears the changing line. */
  end(): void {
    if (this.#stream.isTTY && this.#last > 0) this.#stream.write('\r\x1b[K');
  }
}
