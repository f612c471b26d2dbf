/** From token bytes to text that is certain: whole characters, and nothing that may become a stop text. */
export class TextAssembler {
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  private held = '';
  /** A stop text appeared; everything from it on was dropped. */
  stopped = false;

  constructor(private readonly stops: string[]) {}

  /** Text that became certain with these bytes. */
  push(bytes: Uint8Array): string {
    return this.release(this.decoder.decode(bytes, { stream: true }), false);
  }

  /** What is left at the end; an unfinished character becomes U+FFFD. */
  end(): string {
    return this.release(this.decoder.decode(), true);
  }

  private release(added: string, last: boolean): string {
    if (this.stopped) return '';
    this.held += added;
    const found = this.stops.map((s) => this.held.indexOf(s)).filter((at) => at >= 0);
    this.stopped = found.length > 0;
    const end = this.stopped ? Math.min(...found) : this.held.length - (last ? 0 : this.undecided());
    const text = this.held.slice(0, end);
    this.held = this.held.slice(end);
    return text;
  }

  /** Length of the longest end of the held text that could begin a stop text. */
  private undecided(): number {
    let longest = 0;
    for (const stop of this.stops) {
      for (let n = Math.min(stop.length - 1, this.held.length); n > longest; n--) {
        if (this.held.endsWith(stop.slice(0, n))) longest = n;
      }
    }
    return longest;
  }
}
