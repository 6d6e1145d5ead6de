import { randomBytes } from 'node:crypto';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { u8aToHex } from '@polkadot/util/cjs/index';
import { readCommitments } from '#src/chain/commitments.ts';
import { type Connection, openConnection } from '#src/chain/connection.ts';
import type { Link } from '#src/chain/connection-link.ts';
import { connectNode } from '#src/chain/connection-session.ts';
import { readFinalized } from '#src/chain/finalized.ts';
import { FIELDS, readMetagraph } from '#src/chain/metagraph.ts';
import { type At, MECHANISM } from '#src/chain/reads.ts';
import { encryptTimelocked } from '#src/chain/timelock.ts';
import { encodeWeightsPayload } from '#src/chain/weights-payload.ts';
import { NETUID } from '#src/cli/subnet/cast.ts';
import { type Devchain, startDevchain } from '#src/devchain/devchain.ts';
import { wait } from '#src/runtime/clock.ts';
import { crowdGenesis, hotkey, MIN_WEIGHTS, SEATED } from '../support/crowd-subnet.ts';
import { valueOf } from '../support/known-value.ts';
import { compare, milliseconds, perSecond, type Rounds, repeat } from './measure.ts';
import { type Benchmark, comparedRow, plainRow, type Row } from './row.ts';

/** Reading a full subnet from a node on this machine, sealing its weights, and the development chain itself. */
export const chain: Benchmark = {
  name: 'chain',
  summary:
    'metagraph and commitments over WebSocket, the timelock, blocks of the development chain',
  measure: async (quick) => {
    const rounds: Rounds = quick ? { warmUps: 1, rounds: 2 } : { warmUps: 20, rounds: 101 };
    await using devchain = await startDevchain(crowdGenesis(new Map()), {
      blockMs: null,
      finalityLag: 0,
    });
    await commitAll(devchain);
    await using connection = connect(devchain);
    while (!connection.head().known) await wait(POLL_MS, NEVER);
    const reads = valueOf(
      await connection.withApi((link) => readRows(link, rounds), { timeoutMs: READS_TIMEOUT_MS }),
    );
    return [...reads, await timelockRow(rounds), await blocksRow(devchain, quick)];
  },
};

const POLL_MS = 5;
/** For all rounds together. */
const READS_TIMEOUT_MS = 600_000;
const NEVER = new AbortController().signal;

/** Every seated validator commits in the next block, which is the worst of one round of reading. */
async function commitAll(devchain: Devchain): Promise<void> {
  await devchain.produceBlock(BLOCKS_BEFORE);
  devchain.amend((state) => ({
    ...state,
    commitments: new Map(
      SEATED.map((name) => [
        hotkey(name),
        { block: state.block + 1, fields: [{ kind: 'Raw', bytes: '61'.repeat(95) }] },
      ]),
    ),
  }));
  await devchain.produceBlock();
}

/** The commitments have a block before their own. */
const BLOCKS_BEFORE = 20;

function connect({ url, genesisHash }: Devchain): Connection {
  return openConnection(
    { endpoints: [url], genesis: genesisHash },
    {
      now: () => performance.now(),
      random: () => 0.5,
      wait,
      connect: connectNode,
      signal: NEVER,
    },
  );
}

async function readRows(link: Link, rounds: Rounds): Promise<readonly Row[]> {
  const at = valueOf(await readFinalized({ link }));
  return [await metagraphRow(link, at, rounds), await commitmentsRow(link, at, rounds)];
}

async function metagraphRow({ api, call }: Link, at: At, rounds: Rounds): Promise<Row> {
  const args = u8aToHex(
    Buffer.concat(
      [
        api.createType('u16', NETUID),
        api.createType('u8', MECHANISM),
        api.createType('Vec<u16>', FIELDS),
      ].map((part) => part.toU8a()),
    ),
  );
  const bare = () =>
    call('state_call', [
      'SubnetInfoRuntimeApi_get_selective_mechagraph',
      args,
      `0x${at.blockHash}`,
    ]);
  const read = async () => valueOf(await readMetagraph(api, { netuid: NETUID, ...at }));
  const { neurons } = await read();
  const compared = await compare(
    { subject: () => milliseconds(read), reference: () => milliseconds(bare) },
    rounds,
  );
  const what = `metagraph of ${neurons.length} neurons, read and checked`;
  return comparedRow({ name: 'metagraph', what, unit: 'ms', against: 'state_call' }, compared);
}

async function commitmentsRow({ api, call }: Link, at: At, rounds: Rounds): Promise<Row> {
  const hotkeys = SEATED.map(hotkey);
  const keys = hotkeys.map((by) => api.query['commitments']?.['commitmentOf']?.key(NETUID, by));
  const bare = () => call('state_queryStorageAt', [keys, `0x${at.blockHash}`]);
  const range = { after: 0, upTo: at.block };
  const read = async () => valueOf(await readCommitments(api, { netuid: NETUID, hotkeys, range }));
  const { length } = await read();
  if (length !== SEATED.length) throw new Error(`${length} commitments were read`);
  const compared = await compare(
    { subject: () => milliseconds(read), reference: () => milliseconds(bare) },
    rounds,
  );
  const what = `commitments of ${length} voters, and what stood before them`;
  return comparedRow(
    { name: 'commitments', what, unit: 'ms', against: 'state_queryStorageAt' },
    compared,
  );
}

async function timelockRow(rounds: Rounds): Promise<Row> {
  const { G1, G2, pairing } = { ...bls12_381, G1: bls12_381.G1.Point, G2: bls12_381.G2.Point };
  const publicKey = G2.BASE.multiply(7n).toBytes();
  const plaintext = encodeWeightsPayload({
    hotkey: randomBytes(32),
    uids: Array.from({ length: MIN_WEIGHTS }, (_, uid) => uid),
    values: Array.from({ length: MIN_WEIGHTS }, () => 65_535),
    versionKey: 0n,
  });
  const seal = () =>
    encryptTimelocked(plaintext, 1_000, publicKey, {
      esk: randomBytes(32),
      sigma: randomBytes(32),
      nonce: randomBytes(12),
    });
  const compared = await compare(
    {
      subject: () => milliseconds(seal),
      reference: () => milliseconds(() => pairing(G1.BASE, G2.BASE)),
    },
    rounds,
  );
  const what = `timelock of ${MIN_WEIGHTS} weights`;
  return comparedRow({ name: 'timelock', what, unit: 'ms', against: 'one pairing' }, compared);
}

async function blocksRow(devchain: Devchain, quick: boolean): Promise<Row> {
  const count = quick ? 20 : 1_000;
  const value = await repeat(
    () => perSecond(count, () => devchain.produceBlock(count)),
    quick ? { warmUps: 0, rounds: 2 } : { warmUps: 2, rounds: 21 },
  );
  const { neurons } = devchain.stateAt();
  const what = `blocks of the development chain, ${neurons.length} neurons`;
  return plainRow({ name: 'blocks', what, unit: 'blocks/s' }, value);
}
