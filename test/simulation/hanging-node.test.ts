import { expect, test } from 'vitest';
import type { Chain, Known } from '#src/chain/chain.ts';
import { AppError } from '#src/errors.ts';
import { neuronsFor, simulatedChain } from '../support/simulated-chain.ts';
import { FAMILY, MINERS, resultLines, runInput, STAKES } from '../support/simulated-run.ts';
import { type Boundary, startNode } from '../support/simulated-subnet.ts';

const SCORES = { 'miner a': 0.5 };
/** The read deadline of a call. */
const CALL_TIMEOUT_MS = 15_000;

/** A validator alone, and a node that answers no read while it hangs: each of its reads waits for `release`. */
async function hangingNode(boundary?: Boundary) {
  const chain = simulatedChain(neuronsFor({ v1: STAKES.v1 }, MINERS));
  const asked: string[] = [];
  let hangs = false;
  let ms = 0;
  let wake: () => void = () => undefined;
  const hung: (() => void)[] = [];
  const late =
    <Args extends readonly unknown[], T>(name: string, ask: (...args: Args) => Promise<Known<T>>) =>
    async (...args: Args): Promise<Known<T>> => {
      if (!hangs) return ask(...args);
      asked.push(name);
      await new Promise<void>((resolve) => {
        hung.push(resolve);
        wake();
      });
      ms += CALL_TIMEOUT_MS;
      return { known: false, reason: 'unavailable', detail: 'no answer in time' };
    };
  const viewOf = (name: string): Chain => {
    const view = chain.viewOf(name);
    return {
      ...view,
      metagraph: late('metagraph', view.metagraph),
      commitments: late('commitments', view.commitments),
      sign: late('sign', view.sign),
      trace: late('trace', view.trace),
      weightsOf: late('weightsOf', view.weightsOf),
    };
  };
  const network = {
    nodes: new Map(),
    down: new Set<string>(),
    tamper: () => Promise.resolve(null),
  };
  const now = (): string => new Date(ms).toISOString();
  const node = await startNode('v1', {
    chain: { viewOf },
    network,
    now,
    ...(boundary === undefined ? {} : { boundary }),
  });
  const play = async (last: number): Promise<void> => {
    while (chain.state.block < last) {
      chain.state.block++;
      await node.validator.round();
    }
  };
  /** Until a read hangs. */
  const hanging = async (): Promise<void> => {
    if (hung.length === 0) await new Promise<void>((resolve) => (wake = resolve));
  };
  return {
    node,
    state: chain.state,
    asked,
    play,
    hanging,
    hang: () => void (hangs = true),
    /** The time of the read that hangs is over. */
    release: () => hung.shift()?.(),
    [Symbol.asyncDispose]: () => node.stop(),
  };
}

/** Run 1 is over and its weights stand; run 2 is open, and closes late. */
async function twoRuns({ node: { validator }, state, play }: HangingNode): Promise<void> {
  state.block = runInput(1).phases.snapshot - 1;
  await validator.openRun(runInput(1));
  await validator.importScores(resultLines('run-1', SCORES));
  await validator.closeRun(FAMILY, 'run-1');
  await play(runInput(1).phases.certify + 4);
  const late = { snapshot: 36, commit: 600, decide: 700, certify: 800 };
  await validator.openRun({ ...runInput(2), phases: late });
  await play(late.snapshot + 1);
}

type HangingNode = Awaited<ReturnType<typeof hangingNode>>;

test('a node that hangs costs each run of a round one time-out, and commands do not wait for the round', async () => {
  await using subject = await hangingNode();
  const { node, state, asked, hang, hanging, release } = subject;
  const { validator } = node;
  await twoRuns(subject);
  hang();
  // The weights of run 1 are due again, and run 2's commitments are to be read.
  state.block = 300;
  let over = false;
  const round = validator.round().then(() => void (over = true));
  await hanging();
  const imported = validator.importScores(resultLines('run-2', SCORES));
  const closed = validator.closeRun(FAMILY, 'run-2');
  release();
  // Run 2 asks by now, and the commands had their turn before.
  await hanging();
  expect(await imported).toMatchObject({ accepted: 4, refused: [] });
  expect(await closed).toEqual({ closed: true });
  expect(over).toBe(false);
  release();
  await round;
  expect(asked).toHaveLength(2);
  // What the commands changed is due at once, though no block came.
  expect(validator.state.settled).toBeNull();
});

test('a command that finds another writer ends the round at its next step', async () => {
  let found = false;
  await using subject = await hangingNode((_, point) =>
    found && point.startsWith('before append')
      ? Promise.reject(new AppError('log.conflict'))
      : Promise.resolve(),
  );
  const { node, state, asked, hang, hanging, release } = subject;
  await twoRuns(subject);
  hang();
  state.block = 300;
  const round = node.validator.round();
  await hanging();
  found = true;
  const closed = node.validator.closeRun(FAMILY, 'run-2');
  release();
  await expect(closed).rejects.toMatchObject({ code: 'log.conflict' });
  await expect(round).rejects.toMatchObject({ code: 'log.conflict' });
  await expect(node.validator.round()).rejects.toMatchObject({ code: 'log.conflict' });
  expect(asked).toHaveLength(1);
});
