/**
 * The results of jobs in their order, with so many of them under way at a time. A job that fails ends it with
 * its error; whoever stops taking leaves at most `ahead` jobs to end by themselves.
 */
export async function* inOrder<T>(
  jobs: Iterable<() => Promise<T>>,
  ahead: number,
): AsyncGenerator<T> {
  const waiting: Promise<T>[] = [];
  const next = jobs[Symbol.iterator]();
  const start = (): void => {
    const { done, value } = next.next();
    if (done === true) return;
    const job = value();
    // Awaited in its turn; until then a failure must not count as unhandled.
    job.catch(() => undefined);
    waiting.push(job);
  };
  while (waiting.length < ahead) {
    const before = waiting.length;
    start();
    if (waiting.length === before) break;
  }
  for (let first = waiting.shift(); first !== undefined; first = waiting.shift()) {
    const result = await first;
    start();
    yield result;
  }
}
