import type { Io } from './command.ts';

/** A bar is drawn at most so often. */
const REDRAW_MS = 100;
const WIDTH = 30;

/** Shows how far something is: a bar on a terminal, a line at each tenth elsewhere. Disposing ends the line. */
export function progressBar(
  io: Io,
  what: string,
  total: number,
): { show: (done: number) => void } & Disposable {
  const started = performance.now();
  let [drawn, tenth] = [Number.NEGATIVE_INFINITY, 0];
  const draw = (done: number): void => {
    const share = total === 0 ? 1 : Math.min(1, done / total);
    const filled = Math.round(share * WIDTH);
    const rate = Math.round(done / Math.max(0.001, (performance.now() - started) / 1_000));
    io.note(
      `\r${what} [${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${Math.floor(share * 100)} % (${rate}/s) `,
    );
  };
  return {
    show: (done) => {
      if (io.interactive) {
        if (performance.now() - drawn < REDRAW_MS && done < total) return;
        drawn = performance.now();
        draw(done);
        return;
      }
      const now = total === 0 ? 10 : Math.floor((10 * done) / total);
      if (now > tenth) io.note(`${what}: ${now * 10} %\n`);
      tenth = Math.max(tenth, now);
    },
    [Symbol.dispose]: () => {
      if (io.interactive && drawn > 0) io.note('\n');
    },
  };
}
