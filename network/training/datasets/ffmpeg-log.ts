/** What ffmpeg says while it decodes a clip through its filter `showinfo`: the size of each frame as it was filmed, and errors. */
export class FfmpegLog {
  #rest = '';
  #frames = 0;
  #first: string | null = null;
  #change: string | null = null;
  #errors = '';

  add(text: string): void {
    const lines = `${this.#rest}${text}`.split('\n');
    this.#rest = lines.pop()!.slice(-2000);
    for (const line of lines) this.#read(line);
  }

  /** What ffmpeg fits without a word, the size of the first frame: "frame 7 (the first is 0) has 640x480 pixels, those before it 320x240"; null as long as nothing changes. */
  get change(): string | null {
    return this.#change;
  }

  /** The end of what went wrong. */
  get errors(): string {
    return this.#errors.trim();
  }

  #read(line: string): void {
    if (/\[(error|fatal|panic)\]/.test(line)) this.#errors = `${this.#errors}${line}\n`.slice(-2000);
    const size = line.includes('showinfo') ? / s:(\d+x\d+) /.exec(line)?.[1] : undefined;
    if (size === undefined) return;
    this.#first ??= size;
    if (size !== this.#first)
      this.#change ??= `frame ${this.#frames} (the first is 0) has ${size} pixels, those before it ${this.#first}`;
    this.#frames++;
  }
}
