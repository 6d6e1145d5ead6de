import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Fetched } from '#src/handlers/ask-peers.ts';
import { createWitnessing, keepWitnessed } from '#src/handlers/ask-witnesses.ts';
import type { NoteSignature } from '#src/merkle/signed-note.ts';
import { hexOf } from '#src/merkle/tree.ts';
import { fakeSigner, hotkeyOf } from '../consensus/fake-keys.ts';
import { type TiledLog, tiledLog } from '../support/tiled-log.ts';
import { hashOfOrigin, hostOf, status, text, witnessNetwork } from '../support/witness-network.ts';

const NAMES = ['Wa', 'Wb', 'Wc'];
const signer = fakeSigner(hotkeyOf('V'));

/** A log with three validators around it, and what its witnesses answered. */
function scene(log: TiledLog = tiledLog(signer, { size: 10 })) {
  const net = witnessNetwork([...NAMES, 'V']);
  const added: { size: number; names: string[] }[] = [];
  const refusals: string[] = [];
  const witnessing = createWitnessing(log, {
    fetch: net.fetch,
    post: net.post,
    verify: net.verify,
    signal: AbortSignal.any([]),
    peers: async () => NAMES.map((name) => net.node(name).peer),
    addCosignatures: async ({ size }, lines: readonly NoteSignature[]) => {
      added.push({ size, names: lines.map(({ name }) => name.split('/').at(-1) ?? '').toSorted() });
      return true;
    },
    onAnswer: (_hotkey, refusal) => {
      if (refusal !== null) refusals.push(refusal);
    },
  });
  return { net, log, witnessing, added, refusals };
}

const everybody = NAMES.map(hotkeyOf).toSorted();
const pushes = ({ net }: ReturnType<typeof scene>) =>
  net.asked.filter(({ method }) => method === 'POST').length;

test('every peer cosigns each checkpoint, with a proof from the one before', async () => {
  const at = scene();
  expect(await at.witnessing.round()).toBeNull();
  at.log.growTo(300);
  expect(await at.witnessing.round()).toBeNull();
  expect(at.added).toEqual([
    { size: 10, names: everybody },
    { size: 300, names: everybody },
  ]);
  expect(at.refusals).toEqual([]);
  expect(pushes(at)).toBe(6);
});

test('a checkpoint that was cosigned is not pushed again', async () => {
  const at = scene();
  await at.witnessing.round();
  await at.witnessing.round();
  expect(pushes(at)).toBe(3);
});

test('after a restart the witness says where to go on from', async () => {
  const first = scene();
  await first.witnessing.round();
  first.log.growTo(20);
  const again = createWitnessing(first.log, {
    fetch: first.net.fetch,
    post: first.net.post,
    verify: first.net.verify,
    signal: AbortSignal.any([]),
    peers: async () => [first.net.node('Wa').peer],
    addCosignatures: async ({ size }) => first.added.push({ size, names: [] }) > 0,
    onAnswer: () => undefined,
  });
  expect(await again.round()).toBeNull();
  expect(first.added.at(-1)).toMatchObject({ size: 20 });
  expect(first.net.node('Wa').rows.get(first.log.source)?.size).toBe(20);
});

test('before the first checkpoint nobody is asked', async () => {
  const at = scene();
  const { files, ...own } = at.log;
  const silent = createWitnessing(
    { ...own, files, published: () => null },
    {
      fetch: at.net.fetch,
      post: at.net.post,
      verify: at.net.verify,
      signal: AbortSignal.any([]),
      peers: async () => [at.net.node('Wa').peer],
      addCosignatures: async () => true,
      onAnswer: () => undefined,
    },
  );
  expect(await silent.round()).toBeNull();
  expect(at.net.asked).toEqual([]);
});

test('a peer that gives no cosignature is asked less and less often, the others as before', async () => {
  const at = scene();
  const host = hostOf('Wa');
  at.net.network.tamper = (asked) => (asked.host === host ? status(500) : null);
  const rounds: number[] = [];
  for (let round = 0; round < 20; round++) {
    at.log.growTo(at.log.published().size + 1);
    const before = at.net.asked.length;
    expect(await at.witnessing.round()).toBeNull();
    if (at.net.asked.slice(before).some((asked) => asked.host === host)) rounds.push(round);
  }
  expect(rounds).toEqual([0, 2, 5, 10, 19]);
  expect(at.added).toHaveLength(20);
  expect(at.added[0]?.names).toHaveLength(2);
});

test('a cosignature that is not the peer’s own is not shown', async () => {
  const at = scene();
  // It answers with what another one signed, and with nonsense.
  const other = new Map<string, Fetched>();
  at.net.network.tamper = ({ method, host }) => {
    if (method === 'POST' && host === hostOf('Wa'))
      return other.get('line') ?? text(200, '— stranger AAAAAAA=\n');
    return null;
  };
  await at.witnessing.round();
  expect(at.added).toEqual([
    { size: 10, names: everybody.filter((name) => name !== hotkeyOf('Wa')) },
  ]);
  expect(at.refusals).toEqual(['a cosignature that is not its own']);
});

test('a peer whose first event does not name its witness key is not believed', async () => {
  const at = scene();
  const impostor = { ...fakeSigner(hotkeyOf('X')), hotkey: hotkeyOf('Wa') };
  at.net.replaceLog('Wa', tiledLog(impostor));
  await at.witnessing.round();
  expect(at.added[0]?.names).toEqual(everybody.filter((name) => name !== hotkeyOf('Wa')));
});

test.each([
  ['of a greater size', 30],
  ['of a size that is part of this log by number, not by content', 8],
])(
  'a checkpoint of this log, signed by this hotkey, %s, stops the signing',
  async (_name, size) => {
    const at = scene();
    const twin = tiledLog(signer, { size, face: 'another machine' });
    at.net.node('Wb').rows.set(twin.source, {
      origin: twin.source,
      size,
      root: hexOf(twin.root(size)),
      note: Buffer.from(twin.note()).toString(),
    });
    const fork = await at.witnessing.round();
    expect(fork).toMatchObject({ witness: hotkeyOf('Wb') });
    expect(fork?.found).toContain(`${size} events`);
  },
);

test('the same size with another root stops the signing', async () => {
  const at = scene();
  const twin = tiledLog(signer, { size: 10, face: 'another machine' });
  at.net.node('Wb').rows.set(twin.source, {
    origin: twin.source,
    size: 10,
    root: hexOf(twin.root(10)),
    note: Buffer.from(twin.note()).toString(),
  });
  const waits: number[] = [];
  const kept = keepWitnessed(at.witnessing, {
    signal: AbortSignal.any([]),
    // A round that finds nothing must not be followed by another for ever.
    wait: async (ms) => {
      waits.push(ms);
      throw new Error('it went on');
    },
    onFailure: (error) => {
      throw error;
    },
  });
  await expect(kept).rejects.toThrow('log.forked');
  expect(waits).toEqual([]);
});

test.each<[string, (log: TiledLog) => Fetched | null]>([
  ['shows nothing', () => null],
  ['shows nonsense', () => text(200, 'nonsense')],
  [
    'shows a checkpoint that this hotkey did not sign',
    () => {
      const impostor = { ...fakeSigner(hotkeyOf('X')), hotkey: signer.hotkey };
      return { kind: 'ok', status: 200, body: tiledLog(impostor, { size: 99 }).note() };
    },
  ],
  [
    'shows a log of this hotkey of another generation',
    () => ({ kind: 'ok', status: 200, body: tiledLog(signer, { size: 99, generation: 1 }).note() }),
  ],
  ['shows what is part of this log', (log) => ({ kind: 'ok', status: 200, body: log.note(4) })],
])('a peer that claims to have more and %s stops nothing', async (_name, show) => {
  const at = scene();
  at.net.network.tamper = ({ method, host, path }) => {
    if (host !== hostOf('Wa')) return null;
    if (method === 'POST') return text(409, '1000000\n');
    return path === `/witness/${hashOfOrigin(at.log)}/checkpoint` ? show(at.log) : null;
  };
  expect(await at.witnessing.round()).toBeNull();
  expect(at.added[0]?.names).toHaveLength(2);
  expect(at.refusals).toHaveLength(1);
});

test('no answer of a peer makes a round fail', async () => {
  const code = fc.constantFrom(200, 400, 403, 404, 409, 422, 429, 500);
  const body = fc.oneof(
    fc.uint8Array(),
    fc.constantFrom('5\n', '10\n', '11\n', '-1', '— a b\n').map((s) => Buffer.from(s)),
  );
  const refused: Fetched = { kind: 'refused', reason: 'timeout', detail: 'no answer' };
  const answer: fc.Arbitrary<Fetched> = fc.oneof(
    fc.record({ kind: fc.constant('ok' as const), status: code, body }),
    fc.constant(refused),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { minLength: 1 }), async (answers) => {
      const at = scene();
      let next = 0;
      at.net.network.tamper = ({ host }) =>
        host === hostOf('Wa') ? (answers[next++ % answers.length] ?? null) : null;
      expect(await at.witnessing.round()).toBeNull();
      expect(at.added[0]?.names.length).toBeGreaterThanOrEqual(2);
    }),
    { numRuns: 15 },
  );
});

test('rounds go on after one that failed, until the signal aborts', async () => {
  const stop = new AbortController();
  const failures: unknown[] = [];
  let rounds = 0;
  await keepWitnessed(
    {
      round: async () => {
        rounds += 1;
        if (rounds === 1) throw new Error('a disk that does not answer');
        return null;
      },
    },
    {
      signal: stop.signal,
      wait: async () => {
        if (rounds === 3) stop.abort();
      },
      onFailure: (error) => failures.push(error),
    },
  );
  expect(rounds).toBe(3);
  expect(failures).toHaveLength(1);
});
