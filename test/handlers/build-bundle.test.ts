import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseBundle } from '#src/audit/bundle.ts';
import type { BundleCode, BundleExpectations, OnChain } from '#src/audit/bundle-step.ts';
import { checkBundle, isClean } from '#src/audit/check-bundle.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { commitmentKey } from '#src/consensus/commitment-proof.ts';
import { EMPTY } from '#src/events/decode.ts';
import { decodeBytes, encodeBytes, type Json } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { runKeys } from '#src/events/run-key.ts';
import { logSource } from '#src/events/source.ts';
import { type BundleDeps, buildBundle } from '#src/handlers/build-bundle.ts';
import { signCheckpoint } from '#src/merkle/checkpoint.ts';
import { cosign, cosignerKey } from '#src/merkle/cosignature.ts';
import { publicKeyEd25519 } from '#src/merkle/ed25519.ts';
import { formatNote, parseNote } from '#src/merkle/signed-note.ts';
import { tilePath } from '#src/merkle/tile.ts';
import type { Policy } from '#src/merkle/tlog-policy.ts';
import { createTree, leafOf } from '#src/merkle/tree.ts';
import { projectors } from '#src/projectors/all.ts';
import type { Projector } from '#src/projectors/projector.ts';
import { type MemoryDisk, memoryStore } from '#src/runtime/memory-store.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { openProjection } from '#src/runtime/projection.ts';
import { IN_MEMORY } from '#src/runtime/sqlite.ts';
import { devSigner } from '../support/dev-keys.ts';
import { logSeedOf, logStarted } from '../support/log-start.ts';
import { filesOf } from '../support/memory-log.ts';
import { provedCommitment } from '../support/proved-commitment.ts';
import {
  everybody,
  FAMILY,
  nodeOf,
  playRun,
  runInput,
  type Subnet,
  startSubnet,
  stopSubnet,
} from '../support/simulated-run.ts';

const MEASURED = everybody({ 'miner a': 0.7, 'miner b': 0.6, 'miner c': 0.5 });
const RUN = 'run-1';
const DEPS = { verify: verifySr25519, blake2b256 };
const NOW = 1_800_000_000;

const witnessSeed = Buffer.from(sha256('a witness'), 'hex');
const witness = cosignerKey('witness.example', publicKeyEd25519(witnessSeed));
/** One witness is asked for; which log it is, the verifier knows by its hotkey. */
const POLICY: Policy = {
  logs: [],
  witnesses: [{ name: 'one', key: witness, url: null }],
  groups: [],
  quorum: 'one',
};

let subnet: Subnet;
let deps: BundleDeps;
let stop: () => Promise<void>;
let expected: BundleExpectations;
let onChain: OnChain;

beforeAll(async () => {
  subnet = await startSubnet({ first: logStarted });
  await playRun(subnet, 1, MEASURED);
  const node = nodeOf(subnet, 'v1');
  const { signer, disk, view } = node;
  const { genesis, netuid, commitmentExtrinsics } = view;
  const { hotkey } = signer;
  expected = { hotkey, genesis, netuid, policy: POLICY, now: NOW };
  const origin = logSource({ genesis, netuid, hotkey, generation: 0 });
  const payloads = disk.messages.map(({ payload }) => payload);
  const tree = createTree();
  for (const payload of payloads) tree.append(leafOf(payload));
  const at = { origin, size: tree.size(), root: tree.root() };
  const note = parseNote(signCheckpoint(at, { logSeed: logSeedOf(hotkey), signer }));
  const line = cosign(note.text, { name: 'witness.example', seed: witnessSeed, time: NOW - 60 });
  const cosigned = formatNote({ ...note, signatures: [...note.signatures, line] });
  const files = filesOf(payloads, cosigned);
  const secret = Buffer.from(sha256('sealing secret of v1'), 'hex');
  const opened = await openProjections(disk, origin, secret);
  stop = opened.stop;
  deps = {
    projections: opened.queries,
    finalizedBlock: () => subnet.chain.state.block,
    checkpoints: {
      published: () => ({
        size: at.size,
        root: Buffer.from(at.root).toString('hex'),
        note: cosigned,
      }),
    },
    readTile: async (...of) => files.get(tilePath(...of)) ?? new Uint8Array(0),
    payloads: async (from, limit) => payloads.slice(from, from + limit),
    keys: runKeys(secret, origin),
    netuid,
    commitmentExtrinsics,
    policy: () => null,
  };
  const { snapshot } = runInput(1).phases;
  const made = await view.commitments([hotkey], {
    after: snapshot,
    upTo: subnet.chain.state.block,
  });
  if (!made.known) throw new Error(made.detail);
  const [first] = made.value;
  const signed = await commitmentExtrinsics(hotkey, [first?.block ?? 0]);
  if (!signed.known) throw new Error(signed.detail);
  const proof = await view.commitmentProof(hotkey, first?.block ?? 0);
  if (!proof.known) throw new Error(proof.detail);
  onChain = {
    blockHash: { known: true, value: proof.value.blockHash },
    inBlock: {
      known: true,
      value: signed.value.flatMap((each) =>
        each.kind === 'signed' ? [each.statement.extrinsic] : [],
      ),
    },
    slots: {
      known: true,
      value: made.value.map(({ block, fields }) => ({ block, text: fields[0] ?? null })),
    },
  };
});
afterAll(async () => {
  await stop();
  await stopSubnet(subnet);
});

async function openProjections(disk: MemoryDisk, source: string, secret: Uint8Array) {
  const log = await openLog(memoryStore({ name: 'validator', source }, disk), { secret });
  const open = (projector: Projector) => openProjection(projector, { dir: IN_MEMORY, source });
  const [runState, reports, extrinsics] = await Promise.all([
    open(projectors.runState),
    open(projectors.reports),
    open(projectors.extrinsics),
  ]);
  for await (const batch of log.read({ after: EMPTY, follow: false }))
    for (const projection of [runState, reports, extrinsics]) await projection.apply(batch);
  return {
    queries: {
      runState: runState.queries,
      reports: reports.queries,
      extrinsics: extrinsics.queries,
    },
    stop: async () => {
      for (const projection of [runState, reports, extrinsics])
        await projection[Symbol.asyncDispose]();
    },
  };
}

async function built(changes: Partial<BundleDeps> = {}): Promise<Uint8Array> {
  const bundle = await buildBundle({ family: FAMILY, run: RUN }, { ...deps, ...changes });
  if (bundle.kind !== 'ready') throw new Error(JSON.stringify(bundle));
  return bundle.bytes;
}

/** Codes by verdict. */
function codesOf(
  bytes: Uint8Array,
  changes: Partial<BundleExpectations> = {},
  chain: OnChain | null = null,
) {
  const steps = checkBundle(bytes, { ...expected, ...changes }, DEPS, chain);
  const of = (verdict: string) =>
    steps.filter((step) => step.verdict === verdict).map(({ code }) => code);
  return { failed: of('failed'), notChecked: of('not-checked'), clean: isClean(steps), steps };
}

describe('a bundle that a validator serves', () => {
  test('passes every check that can be made offline', async () => {
    const { failed, notChecked, clean } = codesOf(await built());
    expect(failed).toEqual([]);
    expect(notChecked).toEqual(['B12', 'B13']);
    expect(clean).toBe(true);
  });

  test('passes with a node what only the chain can tell', async () => {
    expect(codesOf(await built(), {}, onChain)).toMatchObject({ failed: [], notChecked: [] });
  });

  test('that the chain did not prove says why, and is clean all the same', async () => {
    const bytes = await edited((bundle) => {
      const detail = 'unavailable: Method not found';
      within(bundle, 'commitment')['readProof'] = { kind: 'missing', detail };
    });
    const { notChecked, clean, steps } = codesOf(bytes);
    expect(notChecked).toEqual(['B11', 'B12', 'B13']);
    expect(steps.find(({ code }) => code === 'B11')?.detail).toBe('unavailable: Method not found');
    expect(clean).toBe(true);
  });

  test('is the same bytes whenever it is asked for', async () => {
    expect(await built()).toEqual(await built());
  });

  test('holds no commitment while the chain does not answer, and says so', async () => {
    const silent = async () => ({ known: false, reason: 'unavailable', detail: 'away' }) as const;
    const bytes = await built({ commitmentExtrinsics: silent });
    const { failed, notChecked } = codesOf(bytes, {}, onChain);
    expect(failed).toEqual([]);
    expect(notChecked).toEqual(['B09', 'B10', 'B11', 'B12', 'B13', 'B14']);
  });

  test.for<[string, Partial<BundleDeps>, string]>([
    ['before the commit block is final', { finalizedBlock: () => 22 }, 'sealed'],
    ['while no block is known', { finalizedBlock: () => null }, 'sealed'],
    [
      'before a checkpoint covers the report',
      { checkpoints: { published: () => null } },
      'pending',
    ],
  ])('does not exist %s', async ([, changes, kind]) => {
    const bundle = await buildBundle({ family: FAMILY, run: RUN }, { ...deps, ...changes });
    expect(bundle.kind).toBe(kind);
  });

  test('does not exist of a run that nobody opened', async () => {
    expect(await buildBundle({ family: FAMILY, run: 'run-9' }, deps)).toEqual({ kind: 'unknown' });
  });
});

type Members = Record<string, Json>;
const edited = async (change: (bundle: Members) => void): Promise<Uint8Array> => {
  const bundle = structuredClone(decodeBytes(await built())) as Members; // safe: a bundle is an object
  change(bundle);
  return encodeBytes(bundle);
};
const textIn = (members: Members, name: string): string => {
  const text = members[name];
  return typeof text === 'string' ? text : '';
};
const listIn = (members: Members, name: string): Json[] => {
  const list = members[name];
  return Array.isArray(list) ? [...list] : [];
};
const within = (bundle: Members, name: string): Members => bundle[name] as Members; // safe: these members are objects

const proofIn = (bundle: Members): Members => within(within(bundle, 'commitment'), 'readProof');

/** A block after the commitment. */
const FINAL = 50;
/** A proof that verifies, of a state that a liar made up. */
const provedBy = (stored: Partial<Parameters<typeof provedCommitment>[0]>) => {
  const { hotkey, netuid } = expected;
  return provedCommitment({ hotkey, netuid, fields: ['a text'], block: 22, ...stored });
};

describe('a bundle that is not what it says', () => {
  test.for<[string, (bundle: Members) => void, readonly BundleCode[]]>([
    ['of another format', (bundle) => (bundle['format'] = 'eirel-bundle/2'), ['B01']],
    [
      'of another network',
      (bundle) => {
        const report = within(bundle, 'report');
        report['body'] = textIn(report, 'body').replace(/"genesis":"../, '"genesis":"00');
      },
      ['B02', 'B03', 'B04', 'B09'],
    ],
    [
      'with another signature of the report',
      (bundle) => (within(bundle, 'report')['signature'] = 'ab'.repeat(64)),
      ['B03', 'B04'],
    ],
    [
      'with another key',
      (bundle) => (within(bundle, 'opening')['key'] = 'ab'.repeat(32)),
      ['B04', 'B09'],
    ],
    [
      'with another event',
      (bundle) => (within(bundle, 'event')['payload'] = within(bundle, 'start')['payload'] ?? ''),
      ['B04', 'B07'],
    ],
    [
      'with another checkpoint',
      (bundle) => {
        const event = within(bundle, 'event');
        event['proof'] = textIn(event, 'proof').replace(/\/0\n(\d+)\n/, '/0\n1$1\n');
      },
      ['B05'],
    ],
    [
      'with a start of the log that nobody signed',
      (bundle) => {
        const start = within(bundle, 'start');
        const text = Buffer.from(textIn(start, 'payload'), 'base64').toString();
        const forged = text.replace(/"signature":"../, '"signature":"00');
        start['payload'] = Buffer.from(forged).toString('base64');
      },
      ['B06'],
    ],
    [
      'with a proof of another place',
      (bundle) => {
        const event = within(bundle, 'event');
        event['proof'] = textIn(event, 'proof').replace(/\nindex (\d+)\n/, '\nindex 1\n');
      },
      ['B07'],
    ],
    [
      'with a commitment that was altered',
      (bundle) => {
        const statement = within(within(bundle, 'commitment'), 'statement');
        statement['extrinsic'] = textIn(statement, 'extrinsic').replace(/..$/, '2d');
      },
      ['B10'],
    ],
    [
      'with an anchor that is not the beginning of the log',
      (bundle) => (within(bundle, 'commitment')['consistency'] = []),
      ['B14'],
    ],
    [
      'with a proof of the state under another hash',
      (bundle) => (proofIn(bundle)['blockHash'] = 'ab'.repeat(32)),
      ['B11'],
    ],
    [
      'with a proof of the state under another header',
      (bundle) => {
        const { blockHash, header } = provedBy({ at: FINAL });
        Object.assign(proofIn(bundle), { blockHash, header });
      },
      ['B11'],
    ],
    [
      'with a proof of the state without one of its nodes',
      (bundle) => (proofIn(bundle)['nodes'] = listIn(proofIn(bundle), 'nodes').slice(0, -1)),
      ['B11'],
    ],
    [
      'with a proof of the state and a node that is not of it',
      (bundle) => (proofIn(bundle)['nodes'] = [...listIn(proofIn(bundle), 'nodes'), 'AAAA']),
      ['B11'],
    ],
    [
      'with a proof of another hotkey’s slot',
      (bundle) => Object.assign(proofIn(bundle), provedBy({ hotkey: devSigner('v2').hotkey })),
      ['B11'],
    ],
    [
      'with a proof of the slot in another subnet',
      (bundle) => Object.assign(proofIn(bundle), provedBy({ netuid: 1 })),
      ['B11'],
    ],
    [
      'with a proof that names another key',
      (bundle) =>
        (proofIn(bundle)['key'] = commitmentKey({ netuid: 1, hotkey: expected.hotkey }) ?? ''),
      ['B11'],
    ],
    [
      'with a proof of a commitment later than its state',
      (bundle) => {
        within(bundle, 'commitment')['block'] = FINAL;
        Object.assign(proofIn(bundle), provedBy({ block: FINAL, at: FINAL - 1 }));
      },
      ['B11'],
    ],
    [
      'with a proof of an older commitment',
      (bundle) => Object.assign(proofIn(bundle), provedBy({ block: 5, at: 6 })),
      ['B11'],
    ],
    [
      'with a proof of other fields',
      (bundle) => {
        const block = Number(within(bundle, 'commitment')['block']);
        Object.assign(proofIn(bundle), provedBy({ block, fields: ['another text'] }));
      },
      ['B11'],
    ],
  ])('%s fails', async ([, change, codes]) => {
    const { failed, clean } = codesOf(await edited(change));
    expect(failed).toEqual(expect.arrayContaining([...codes]));
    expect(clean).toBe(false);
  });

  test.for<[string, Partial<BundleExpectations>, readonly BundleCode[]]>([
    ['for another hotkey', { hotkey: devSigner('v2').hotkey }, ['B02', 'B03', 'B05', 'B10', 'B11']],
    ['for another subnet', { netuid: 1 }, ['B02', 'B05', 'B10', 'B11']],
    ['for another network', { genesis: sha256('another network') }, ['B02', 'B05', 'B10']],
    ['with a cosignature from the future', { now: NOW - 3_600 }, ['B08']],
    [
      'without the witness that is asked for',
      {
        policy: {
          ...POLICY,
          witnesses: [
            {
              name: 'one',
              key: cosignerKey('another.example', publicKeyEd25519(Buffer.alloc(32, 9))),
              url: null,
            },
          ],
        },
      },
      ['B08'],
    ],
  ])('%s fails', async ([, changes, codes]) => {
    expect(codesOf(await built(), changes).failed).toEqual(codes);
  });

  test('and the chain holds something else: it is not in its block, and not the first', async () => {
    const earlier = { block: 20, text: `eirel/scores/v1:${RUN}:${'ab'.repeat(32)}` };
    const slots = onChain.slots.known ? [earlier, ...onChain.slots.value] : [];
    const chain: OnChain = {
      ...onChain,
      inBlock: { known: true, value: [] },
      slots: { known: true, value: slots },
    };
    expect(codesOf(await built(), {}, chain).failed).toEqual(['B12', 'B13']);
    const away = { known: false, detail: 'away' } as const;
    expect(
      codesOf(await built(), {}, { inBlock: away, slots: away, blockHash: away }),
    ).toMatchObject({
      failed: [],
      notChecked: ['B12', 'B13'],
    });
  });

  test('and its header is of another block than the final one', async () => {
    const chain: OnChain = { ...onChain, blockHash: { known: true, value: 'ab'.repeat(32) } };
    expect(codesOf(await built(), {}, chain).failed).toEqual(['B12']);
  });

  test('is told as such whatever its bytes are', async () => {
    for (const bytes of [
      Buffer.from(''),
      Buffer.from('{}'),
      Buffer.from([0xff]),
      Buffer.alloc(1_048_577),
    ]) {
      expect(parseBundle(bytes)).toHaveProperty('fault');
      const { failed, steps } = codesOf(bytes);
      expect(failed).toEqual(['B01']);
      expect(steps).toHaveLength(14);
    }
  });
});
