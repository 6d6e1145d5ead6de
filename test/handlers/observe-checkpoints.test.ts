import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Anchor } from '#src/events/checkpoint.ts';
import type { Fetched } from '#src/handlers/ask-peers.ts';
import { observeCheckpoints } from '#src/handlers/observe-checkpoints.ts';
import { cosign } from '#src/merkle/cosignature.ts';
import { formatNote, parseNote } from '#src/merkle/signed-note.ts';
import { hexOf } from '#src/merkle/tree.ts';
import { fakeSigner, hotkeyOf } from '../consensus/fake-keys.ts';
import { GENESIS, NETUID, type TiledLog, tiledLog } from '../support/tiled-log.ts';
import {
  hostOf,
  status,
  text,
  type WitnessNode,
  witnessNetwork,
} from '../support/witness-network.ts';

const NAMES = ['Wa', 'Wb', 'Wc'];
const logOf = (name: string, size: number, face = '', commonSize = 1) =>
  tiledLog(fakeSigner(hotkeyOf(name)), { size, face, commonSize });

/** Three validators and their logs, and one that looks at them. */
function scene() {
  const net = witnessNetwork(NAMES);
  const remembered: string[] = [];
  const look = (
    { seen = [], anchors = [] }: { seen?: string[]; anchors?: Anchor[] } = {},
    run = 'run-7',
  ) =>
    observeCheckpoints(
      {
        genesis: GENESIS,
        netuid: NETUID,
        family: 'general_chat',
        run,
        peers: NAMES.map((name) => net.node(name).peer),
        seen: new Set(seen),
        anchors,
      },
      {
        fetch: net.fetch,
        verify: net.verify,
        signal: AbortSignal.any([]),
        remembered: async (source) => remembered.filter((note) => note.startsWith(source)),
      },
    );
  return { net, remembered, look };
}

const noteText = (log: TiledLog, size: number): string => Buffer.from(log.note(size)).toString();
/** Another validator had cosigned this. */
function witnessedBy({ rows }: WitnessNode, log: TiledLog, size: number): void {
  const { source } = log;
  rows.set(source, {
    origin: source,
    size,
    root: hexOf(log.root(size)),
    note: noteText(log, size),
  });
}

test('each peer’s checkpoint is observed with its own lines, and nothing is found', async () => {
  const { net, look } = scene();
  net.network.tamper = ({ host, path }) => {
    if (host !== hostOf('Wa') || path !== '/log/checkpoint') return null;
    const note = parseNote(net.node('Wa').log.note());
    const cosignature = cosign(note.text, { name: 'w', seed: new Uint8Array(32), time: 1 });
    const signatures = [...note.signatures, cosignature];
    return { kind: 'ok', status: 200, body: formatNote({ ...note, signatures }) };
  };
  const { events, findings, suspicions } = await look();
  expect(events).toEqual(
    NAMES.map((name) => {
      const { log, peer } = net.node(name);
      return {
        type: 'checkpoint.observed.v1',
        data: {
          family: 'general_chat',
          run: 'run-7',
          hotkey: peer.hotkey,
          source: log.source,
          size: 5,
          root: hexOf(log.root(5)),
          note: noteText(log, 5),
        },
      };
    }),
  );
  expect([findings, suspicions]).toEqual([[], []]);
});

test('who was seen in the run already is not asked again', async () => {
  const { net, look } = scene();
  const { events } = await look({ seen: [hotkeyOf('Wa'), hotkeyOf('Wb')] });
  expect(events).toHaveLength(1);
  expect(new Set(net.asked.filter(({ path }) => path === '/log/checkpoint'))).toHaveProperty(
    'size',
    1,
  );
});

test('a log that grew contains what was seen of it before, by whomever', async () => {
  const { net, remembered, look } = scene();
  const log = logOf('Wa', 700);
  net.replaceLog('Wa', log);
  remembered.push(noteText(log, 1), noteText(log, 256), noteText(log, 300), noteText(log, 700));
  for (const name of ['Wb', 'Wc']) witnessedBy(net.node(name), log, 511);
  const anchors = [
    {
      hotkey: log.hotkey,
      block: 10,
      generation: 0,
      size: 42,
      root: hexOf(log.root(42)),
      commit: null,
    },
  ];
  const { events, findings, suspicions } = await look({ anchors });
  expect(events).toHaveLength(3);
  expect([findings, suspicions]).toEqual([[], []]);
});

test.each([
  ['of the same size', 300],
  ['of a smaller size', 200],
])('another history that was seen before, %s, is found', async (_title, size) => {
  const { net, remembered, look } = scene();
  net.replaceLog('Wa', logOf('Wa', 300));
  remembered.push(noteText(logOf('Wa', size, 'another', 100), size));
  const { findings, suspicions, events } = await look();
  expect(findings).toMatchObject([{ kind: 'checkpoint' }]);
  expect(suspicions).toHaveLength(1);
  // What was seen is on record all the same.
  expect(events).toHaveLength(3);
});

test('another history that a peer witnessed is found, in the turn of that peer', async () => {
  const { net, look } = scene();
  net.replaceLog('Wa', logOf('Wa', 300));
  witnessedBy(net.node('Wb'), logOf('Wa', 200, 'another'), 200);
  const found: number[] = [];
  for (let run = 1; run <= 8; run++) {
    const { findings } = await look({ seen: [hotkeyOf('Wb'), hotkeyOf('Wc')] }, `run-${run}`);
    found.push(findings.length);
  }
  expect(new Set(found)).toEqual(new Set([0, 1]));
});

test('an anchor of another tree is found, one of another generation says nothing', async () => {
  const { net, look } = scene();
  const log = logOf('Wa', 300);
  net.replaceLog('Wa', log);
  const anchor = {
    hotkey: log.hotkey,
    block: 10,
    generation: 0,
    size: 42,
    root: hexOf(logOf('Wa', 42, 'another').root(42)),
    commit: null,
  };
  expect((await look({ anchors: [anchor] })).findings).toMatchObject([
    { kind: 'checkpoint-vs-anchor', hotkey: log.hotkey, block: 10 },
  ]);
  expect((await look({ anchors: [{ ...anchor, generation: 1 }] })).findings).toEqual([]);
});

test('a log that shrank is looked at twice, and is suspicious then', async () => {
  const { net, remembered, look } = scene();
  const log = logOf('Wa', 10);
  net.replaceLog('Wa', log);
  remembered.push(noteText(logOf('Wa', 20), 20));
  const grown = await look({ seen: [hotkeyOf('Wb'), hotkeyOf('Wc')] });
  expect(grown.suspicions).toEqual([
    expect.stringContaining('with 10 events does not show the 20'),
  ]);
  expect(net.asked.filter(({ path }) => path === '/log/checkpoint')).toHaveLength(2);
});

test('a log that is larger at the second look is not suspicious', async () => {
  const { net, remembered, look } = scene();
  const log = logOf('Wa', 10);
  net.replaceLog('Wa', log);
  remembered.push(noteText(logOf('Wa', 20), 20));
  net.network.tamper = ({ host, path }) => {
    // It grows between the two looks.
    if (host === hostOf('Wa') && path.startsWith('/witness/')) log.growTo(25);
    if (path.startsWith('/witness/')) log.growTo(25);
    return null;
  };
  const { suspicions, events } = await look();
  expect(suspicions).toEqual([]);
  expect(events[0]).toMatchObject({ data: { size: 25 } });
});

test('tiles that do not prove it, or none, are suspicious', async () => {
  for (const answer of [status(404), text(200, 'short'), status(500)]) {
    const { net, remembered, look } = scene();
    const log = logOf('Wa', 300);
    net.replaceLog('Wa', log);
    remembered.push(noteText(log, 200));
    net.network.tamper = ({ host, path }) =>
      host === hostOf('Wa') && path.startsWith('/log/tile/') ? answer : null;
    expect((await look()).suspicions).toHaveLength(1);
  }
});

test.each<[string, (log: TiledLog) => Fetched]>([
  ['nothing', () => status(404)],
  ['nonsense', () => text(200, 'nonsense')],
  ['no answer', () => ({ kind: 'refused', reason: 'timeout', detail: '' })],
  [
    'a checkpoint that its hotkey did not sign',
    () => {
      const impostor = { ...fakeSigner(hotkeyOf('X')), hotkey: hotkeyOf('Wa') };
      return { kind: 'ok', status: 200, body: tiledLog(impostor).note() };
    },
  ],
  [
    'another validator’s checkpoint',
    () => ({ kind: 'ok', status: 200, body: logOf('Wb', 5).note() }),
  ],
])('a peer that serves %s is left out', async (_title, answer) => {
  const { net, look } = scene();
  net.network.tamper = ({ host, path }) =>
    host === hostOf('Wa') && path === '/log/checkpoint' ? answer(net.node('Wa').log) : null;
  const { events, findings, suspicions } = await look();
  expect(events).toHaveLength(2);
  expect([findings, suspicions]).toEqual([[], []]);
});

test('a peer is asked for a bounded number of tiles, and nothing that it answers makes a round fail', async () => {
  const answer: fc.Arbitrary<Fetched | null> = fc.oneof(
    fc.constant(null),
    fc.uint8Array({ maxLength: 64 }).map((body) => ({ kind: 'ok', status: 200, body }) as const),
    fc.uint8Array({ minLength: 32, maxLength: 32 }).map(
      (hash) =>
        ({
          kind: 'ok',
          status: 200,
          body: Buffer.concat(Array.from({ length: 44 }, () => hash)),
        }) as const,
    ),
    fc.constant(status(404)),
    fc.constant(status(500)),
  );
  const other = logOf('Wa', 200, 'another');
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { minLength: 1 }), async (answers) => {
      const { net, remembered, look } = scene();
      net.replaceLog('Wa', logOf('Wa', 300));
      remembered.push(noteText(other, 200), noteText(other, 42));
      let next = 0;
      net.network.tamper = ({ host }) =>
        host === hostOf('Wa') ? (answers[next++ % answers.length] ?? null) : null;
      const { events } = await look();
      expect(events.length).toBeGreaterThanOrEqual(2);
      const tiles = net.asked.filter(
        ({ host, path }) => host === hostOf('Wa') && path.startsWith('/log/tile/'),
      );
      expect(tiles.length).toBeLessThanOrEqual(64);
    }),
    { numRuns: 30 },
  );
});
