/**
 * What happens at one effect of a process: nothing; it fails before, or after, it was made; or the process dies
 * with it, before, half through, or after it.
 */
export type PointFault =
  | 'none'
  | 'fail-before'
  | 'fail-after'
  | 'kill-before'
  | 'kill-torn'
  | 'kill-after';

/** One life of a process, from its start to its death. */
export type Life = {
  alive: boolean;
  /** The effect that a fault came to, and which; null while all went well. */
  fault: Readonly<{ point: string; fault: PointFault }> | null;
};

/** An effect of a process: its name, how it is made, and, where there is such a thing, how it is half made. */
export type Effect<T> = Readonly<{
  point: string;
  make: () => Promise<T>;
  tear?: () => Promise<unknown>;
}>;

/** Makes effects with the faults that are due, until the process is dead; from then on nothing has any effect. */
export function faultPoints(life: Life, nextFault: (point: string) => PointFault) {
  return async <T>({ point, make, tear }: Effect<T>): Promise<T> => {
    if (!life.alive) throw new Error('a process that was killed');
    const fault = nextFault(point);
    if (fault === 'none') return make();
    life.fault ??= { point, fault };
    if (fault.startsWith('kill')) life.alive = false;
    if (fault === 'kill-torn') await tear?.();
    if (fault === 'fail-after' || fault === 'kill-after') await make();
    throw new Error(`${fault}: ${point}`);
  };
}
