import { describe, expect, test } from 'vitest';
import { checkEvidence } from '#src/audit/evidence.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import type { Call, Chain, Extrinsic } from '#src/chain/chain.ts';
import { readCommitmentExtrinsics } from '#src/chain/commitment-extrinsics.ts';
import type { Link } from '#src/chain/connection-link.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { commitmentPayload, scoreDigest } from '#src/consensus/commitment.ts';
import { verifyCommitmentStatement } from '#src/consensus/commitment-extrinsic.ts';
import { produceEvidence } from '#src/handlers/produce-evidence.ts';
import { devSigner } from '../support/dev-keys.ts';
import { hotkey, UID } from '../support/dev-subnet.ts';
import { valueOf } from '../support/known-value.ts';
import { answered, liveSubtensor, openChain } from '../support/live-subtensor.ts';
import { quietProcess } from '../support/quiet-process.ts';
import { signedCommitment } from '../support/signed-commitment.ts';

quietProcess();

const PLAIN = { hyperparameters: { commitRevealEnabled: false } };
const FIELDS = [
  `eirel/scores/v1:run-7:${scoreDigest('body')}`,
  `eirel/log/v1:1234567:${'r'.repeat(43)}:${'c'.repeat(43)}`,
];
const COMMITMENT: Call = { kind: 'commitment', fields: FIELDS };
const deps = { verify: verifySr25519, blake2b256 };

async function submitted(chain: Chain, call: Call = COMMITMENT): Promise<Extrinsic> {
  const made = await answered(() => chain.sign(call));
  if (made.kind === 'refused') throw new Error(made.error.detail);
  expect(await chain.send(made.extrinsic)).toEqual({ kind: 'sent' });
  return made.extrinsic;
}

describe('what a hotkey signed in a block', () => {
  test('is found in the body, and verifies without the chain', async () => {
    await using live = await liveSubtensor();
    const { chain, devchain } = live;
    const birth = devchain.heads().finalized;
    const { bytes } = await submitted(chain);
    await devchain.produceBlock(3);
    const found = await answered(() => chain.commitmentExtrinsics(hotkey('a'), [6, 5, 6]));
    expect(found).toEqual([
      {
        kind: 'not-portable',
        block: 5,
        detail: 'no set_commitment in its body is signed by the hotkey itself',
      },
      {
        kind: 'signed',
        block: 6,
        fields: FIELDS,
        statement: {
          hotkey: hotkey('a'),
          extrinsic: bytes,
          covers: {
            specVersion: 343,
            transactionVersion: 1,
            blockHash: birth.hash,
            metadataHash: null,
          },
        },
      },
    ]);
    const statement = found[1]?.kind === 'signed' ? found[1].statement : null;
    if (statement === null) throw new Error('not signed');
    expect(verifyCommitmentStatement(statement, devchain.genesisHash, deps)).toBe(true);
    expect(verifyCommitmentStatement(statement, 'ab'.repeat(32), deps)).toBe(false);
  });

  test('is neither what another hotkey committed to nor another call of its own', async () => {
    await using live = await liveSubtensor(PLAIN);
    const { chain, devchain } = live;
    await using other = openChain(devchain, 'b');
    await submitted(chain, { kind: 'weights', vector: [{ uid: UID.x, weight: 65_535 }] });
    await submitted(other);
    await devchain.produceBlock(3);
    const ofBlock = (name: string) => answered(() => chain.commitmentExtrinsics(hotkey(name), [6]));
    expect(await ofBlock('a')).toMatchObject([{ kind: 'not-portable', block: 6 }]);
    expect(await ofBlock('b')).toMatchObject([{ kind: 'signed', block: 6, fields: FIELDS }]);
  });

  test('for a runtime that was replaced since is of that runtime, as long as a node has its state', async () => {
    await using live = await liveSubtensor({ keepStates: 20 });
    const { chain, devchain } = live;
    await submitted(chain);
    await devchain.produceBlock(3);
    devchain.faults.upgradeRuntime();
    await devchain.produceBlock(4);
    await using late = openChain(devchain, null);
    await answered(late.finalizedBlock);
    const found = await answered(() => late.commitmentExtrinsics(hotkey('a'), [6]));
    expect(found).toMatchObject([{ kind: 'signed', statement: { covers: { specVersion: 343 } } }]);
    await devchain.produceBlock(20);
    expect(await late.commitmentExtrinsics(hotkey('a'), [6])).toMatchObject({
      known: false,
      reason: 'unavailable',
    });
  });

  test('twice, for one run, is evidence that verifies without the chain', async () => {
    await using live = await liveSubtensor();
    const { chain, devchain } = live;
    const blocks: number[] = [];
    for (const body of ['one', 'another']) {
      await submitted(chain, { kind: 'commitment', fields: [commitmentPayload('run-7', body)] });
      await devchain.produceBlock(3);
      blocks.push(devchain.heads().finalized.number);
    }
    const { genesis, netuid } = chain;
    const finding = { kind: 'commitment', hotkey: hotkey('a'), run: 'run-7', blocks } as const;
    const context = { ...deps, genesis, netuid };
    const text = await produceEvidence(finding, { ...context, ...chain });
    expect(checkEvidence(text ?? '', context)).toMatchObject({
      kind: 'proved',
      evidence: { kind: 'commitment', hotkey: hotkey('a'), run: 'run-7' },
    });
  });

  test('of a block that is not final is not asked for', async () => {
    await using live = await liveSubtensor();
    const { chain } = live;
    expect(await chain.commitmentExtrinsics(hotkey('a'), [4])).toMatchObject({
      known: false,
      reason: 'not-final',
    });
    expect(await answered(() => chain.commitmentExtrinsics(hotkey('a'), []))).toEqual([]);
  });
});

describe('what a node tells of a body', () => {
  const NETUID = 36;
  const genesis = 'ab'.repeat(32);
  const blockHash = (block: number): string => block.toString(16).padStart(64, '0');
  const content = { genesis, netuid: NETUID, fields: FIELDS, era: Buffer.of(0x05, 0x00) };
  const covers = { blockHash: blockHash(64) };
  const own = signedCommitment(devSigner('a'), { ...content, covers });

  /** Block 70 of a node of spec 343, whose body holds these extrinsics. */
  const read = (extrinsics: readonly string[], answers: Readonly<Record<string, unknown>> = {}) => {
    const call = async (method: string, [param]: readonly unknown[]): Promise<unknown> => {
      if (method in answers) return answers[method];
      if (method === 'chain_getBlockHash') return `0x${blockHash(Number(param))}`;
      if (method === 'chain_getFinalizedHead') return `0x${blockHash(70)}`;
      if (method === 'chain_getHeader') return { number: '0x46' };
      if (method === 'state_getRuntimeVersion') return { specVersion: 344, transactionVersion: 1 };
      return { block: { extrinsics: extrinsics.map((bytes) => `0x${bytes}`) } };
    };
    const version = (value: number) => ({ toNumber: () => value });
    const runtimeVersion = { specVersion: version(343), transactionVersion: version(1) };
    // safe: it asks by `call`, and for the version that the connection knows.
    const link = { call, api: { runtimeVersion } } as unknown as Link;
    const request = { netuid: NETUID, genesis, hotkey: hotkey('a'), blocks: [70] };
    return readCommitmentExtrinsics(request, { link });
  };

  test('is believed when the signature holds, whatever else is in it', async () => {
    const elsewhere = signedCommitment(devSigner('a'), { ...content, covers, netuid: 7 });
    const another = signedCommitment(devSigner('b'), { ...content, covers });
    const bodies = ['280403000b', elsewhere.extrinsic, another.extrinsic, 'zz', own.extrinsic];
    expect(valueOf(await read(bodies))).toEqual([
      { kind: 'signed', block: 70, fields: FIELDS, statement: own },
    ]);
  });

  test('is believed for the runtime that ran the block', async () => {
    const newer = signedCommitment(devSigner('a'), {
      ...content,
      covers: { ...covers, specVersion: 344 },
    });
    expect(valueOf(await read([newer.extrinsic]))).toMatchObject([{ statement: newer }]);
  });

  test.for([
    [
      'forged',
      signedCommitment(devSigner('a'), { ...content, genesis: 'cd'.repeat(32), covers }),
      'its signature does not hold over the payload of spec 344',
    ],
    [
      'signed with a hash of the metadata',
      signedCommitment(devSigner('a'), {
        ...content,
        covers: { ...covers, metadataHash: 'ef'.repeat(32) },
      }),
      'its signature covers a hash of the metadata, which no node tells',
    ],
  ] as const)('and that is %s proves nothing', async ([, { extrinsic }, detail]) => {
    expect(valueOf(await read([extrinsic]))).toEqual([{ kind: 'not-portable', block: 70, detail }]);
  });

  test.for([
    ['no body', { chain_getBlock: null }, 'unavailable'],
    ['a malformed body', { chain_getBlock: { block: {} } }, 'malformed'],
    ['no hash of the birth', { chain_getBlockHash: null }, 'unavailable'],
    ['a malformed finalised head', { chain_getFinalizedHead: 7 }, 'malformed'],
  ] as const)('is unknown for %s', async ([, answers, reason]) => {
    expect(await read([own.extrinsic], answers)).toMatchObject({ known: false, reason });
  });

  test('of a runtime that it does not tell is unknown', async () => {
    const old = signedCommitment(devSigner('a'), {
      ...content,
      covers: { ...covers, specVersion: 300 },
    });
    const answers = { state_getRuntimeVersion: { specVersion: 'new' } };
    expect(await read([old.extrinsic], answers)).toMatchObject({ reason: 'malformed' });
  });
});

test('the slots hold what each hotkey committed to last, and nothing for who never did', async () => {
  await using live = await liveSubtensor();
  const { chain, devchain } = live;
  const latest = () => answered(() => chain.latestCommitments(['c', 'a', 'b', 'a'].map(hotkey)));
  expect(await latest()).toEqual([]);
  await using other = openChain(devchain, 'b');
  await submitted(chain, { kind: 'commitment', fields: ['first'] });
  await submitted(other, { kind: 'commitment', fields: ['of b'] });
  await devchain.produceBlock(3);
  await submitted(chain);
  expect(await latest()).toEqual(
    [
      { hotkey: hotkey('a'), block: 6, fields: ['first'] },
      { hotkey: hotkey('b'), block: 6, fields: ['of b'] },
    ].toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1)),
  );
  await devchain.produceBlock(3);
  expect(await latest()).toContainEqual({ hotkey: hotkey('a'), block: 9, fields: FIELDS });
});
