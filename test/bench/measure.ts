/** The median of several measurements, and the quartiles: between them lies the middle half. */
export type Summary = Readonly<{ median: number; low: number; high: number }>;

/** Two things measured in turn, and the second over the first, pair by pair. */
export type Compared = Readonly<{ reference: Summary; subject: Summary; ratio: Summary }>;

/** One measurement: prepares what it needs, and gives a figure such as events per second. */
export type Sample = () => number | Promise<number>;

/** How often a measurement is taken; those before `warmUps` ended are thrown away. */
export type Rounds = Readonly<{ warmUps: number; rounds: number }>;

/** Takes one measurement several times. */
export async function repeat(sample: Sample, { warmUps, rounds }: Rounds): Promise<Summary> {
  const figures: number[] = [];
  for (let round = 0; round < warmUps + rounds; round++) {
    const figure = await sample();
    if (round >= warmUps) figures.push(figure);
  }
  return summarise(figures);
}

/**
 * Takes two measurements in turn, each pair in the other order than the one before it. A machine that
 * slows down slows both, so the ratio is formed within each pair.
 */
export async function compare(
  { reference, subject }: { reference: Sample; subject: Sample },
  { warmUps, rounds }: Rounds,
): Promise<Compared> {
  const pairs: { reference: number; subject: number }[] = [];
  for (let round = 0; round < warmUps + rounds; round++) {
    const pair = { reference: 0, subject: 0 };
    for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
      pair[side] = await { reference, subject }[side]();
    }
    if (round >= warmUps) pairs.push(pair);
  }
  return {
    reference: summarise(pairs.map((pair) => pair.reference)),
    subject: summarise(pairs.map((pair) => pair.subject)),
    ratio: summarise(pairs.map((pair) => pair.subject / pair.reference)),
  };
}

const SIDES = ['reference', 'subject'] as const;

/** How many of `count` things are done per second. */
export async function perSecond(count: number, work: () => unknown): Promise<number> {
  return (count / (await milliseconds(work))) * 1_000;
}

export async function milliseconds(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Median and quartiles of figures that were taken together with others. */
export function summarise(figures: readonly number[]): Summary {
  const sorted = figures.toSorted((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
  };
}

/** Between two figures, as far from each as `share` says. */
function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const below = at(Math.floor(place));
  return below + (at(Math.ceil(place)) - below) * (place - Math.floor(place));
}
