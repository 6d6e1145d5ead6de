import { describe, expect, test } from 'vitest';
import { formatAddCheckpoint } from '#src/merkle/add-checkpoint.ts';
import { signCheckpoint } from '#src/merkle/checkpoint.ts';
import { tilePath } from '#src/merkle/tile.ts';
import { consistencyProof } from '#src/merkle/tile-proof.ts';
import { EMPTY_ROOT, type Hash, hexOf } from '#src/merkle/tree.ts';
import { requirePublished } from '#src/sequencer/published-file.ts';
import { decideWitness, readWitnessRequest, type Witnessed } from '#src/sequencer/witness.ts';
import { fakeSigner, fakeVerify, hotkeyOf } from '../consensus/fake-keys.ts';
import { logSeedOf } from '../support/log-start.ts';
import { GENESIS, NETUID, type TiledLog, tiledLog } from '../support/tiled-log.ts';

const signer = fakeSigner(hotkeyOf('V'));
const log = tiledLog(signer, { size: 300 });
const fork = tiledLog(signer, { size: 300, face: 'forked', commonSize: 100 });

const proofFrom = (from: number, to: number, of: TiledLog = log): Promise<readonly Hash[]> =>
  consistencyProof({ from, to }, (level, index, width) =>
    requirePublished(of.files, tilePath(level, index, width)),
  );

const heldAt = (size: number, of: TiledLog = log): Witnessed => ({
  origin: of.source,
  size,
  root: hexOf(of.root(size)),
  note: Buffer.from(of.note(size)).toString(),
});

const noteAt = (size: number, root: Hash): Uint8Array =>
  signCheckpoint({ origin: log.source, size, root }, { logSeed: logSeedOf(signer.hotkey), signer });

type Asked = Readonly<{ oldSize: number; proof: readonly Hash[]; checkpoint: Uint8Array }>;

/** The decision on a request, with its status. */
function decided(asked: Asked, held: Witnessed | null, voters = [signer.hotkey]) {
  const request = readWitnessRequest(formatAddCheckpoint(asked), {
    genesis: GENESIS,
    netuid: NETUID,
  });
  if ('status' in request) return { status: request.status };
  const isVoter = (hotkey: string) => voters.includes(hotkey);
  const decision = decideWitness(request, held, { isVoter, verify: fakeVerify });
  if (decision.kind === 'refuse') return { ...decision.refusal, fork: decision.fork };
  return { status: 200, to: decision.to };
}

describe('a checkpoint is cosigned', () => {
  test('of a log that was never cosigned, from nothing to any size', () => {
    const first = { oldSize: 0, proof: [], checkpoint: log.note(300) };
    expect(decided(first, null)).toEqual({ status: 200, to: heldAt(300) });
  });

  test.each([
    [1, 2],
    [5, 15],
    [100, 300],
    [255, 256],
    [256, 257],
  ])('from size %i to size %i with its proof', async (from, to) => {
    const next = { oldSize: from, proof: await proofFrom(from, to), checkpoint: log.note(to) };
    expect(decided(next, heldAt(from))).toEqual({ status: 200, to: heldAt(to) });
  });

  test('again, when it is the one that was cosigned last', () => {
    const again = { oldSize: 42, proof: [], checkpoint: log.note(42) };
    expect(decided(again, heldAt(42))).toMatchObject({ status: 200 });
  });

  test('of an empty log, whose root is known', () => {
    const empty = { oldSize: 0, proof: [], checkpoint: noteAt(0, EMPTY_ROOT) };
    expect(decided(empty, null)).toMatchObject({ status: 200 });
    expect(decided({ ...empty, checkpoint: noteAt(0, log.root(1)) }, null)).toMatchObject({
      status: 422,
    });
  });
});

describe('a request is refused', () => {
  test('400: the old size is greater than the new one', () => {
    const back = { oldSize: 43, proof: [], checkpoint: log.note(42) };
    expect(decided(back, heldAt(43))).toMatchObject({ status: 400 });
  });

  test.each([
    ['of another network', { genesis: 'cd'.repeat(32), netuid: NETUID }],
    ['of another subnet', { genesis: GENESIS, netuid: 1 }],
  ])('404: a log %s', (_name, network) => {
    const body = formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: log.note(1) });
    expect(readWitnessRequest(body, network)).toMatchObject({ status: 404 });
  });

  test('404: the log of a hotkey that does not vote, whatever else is wrong', () => {
    const asked = { oldSize: 9, proof: [], checkpoint: log.note(1) };
    expect(decided(asked, null, [])).toMatchObject({ status: 404 });
  });

  test('404: a generation that no honest validator gets to', () => {
    const late = tiledLog(signer, { generation: 256 });
    const asked = { oldSize: 0, proof: [], checkpoint: late.note() };
    expect(decided(asked, null)).toEqual({ status: 404 });
  });

  test('403: no line of the hotkey, or one that it did not make', () => {
    const lines = Buffer.from(log.note(42)).toString().split('\n');
    const bare = Buffer.from(lines.toSpliced(5, 1).join('\n'));
    const impostor = { ...fakeSigner(hotkeyOf('X')), hotkey: signer.hotkey };
    const forged = tiledLog(impostor, { size: 42 }).note();
    for (const checkpoint of [bare, forged])
      expect(decided({ oldSize: 0, proof: [], checkpoint }, null)).toMatchObject({ status: 403 });
  });

  test('409 with the size that was cosigned last: the request starts from another', async () => {
    const proof = await proofFrom(10, 20);
    for (const [oldSize, held] of [
      [10, heldAt(12)],
      [10, null],
      [0, heldAt(12)],
    ] as const) {
      const asked = { oldSize, proof: oldSize === 0 ? [] : proof, checkpoint: log.note(20) };
      expect(decided(asked, held)).toEqual({ status: 409, size: held?.size ?? 0, fork: false });
    }
  });

  test.each([0, 12, 200])(
    '409: another root at the same size is a fork, from %i too',
    (oldSize) => {
      const asked = { oldSize, proof: [], checkpoint: fork.note(200) };
      expect(decided(asked, heldAt(200))).toEqual({ status: 409, size: 200, fork: true });
    },
  );

  test('422: a proof that does not lead from what was cosigned to what is asked for', async () => {
    const proof = await proofFrom(150, 250);
    const forked = await proofFrom(150, 250, fork);
    const checkpoint = log.note(250);
    for (const wrong of [[], proof.slice(1), [...proof, ...proof.slice(0, 1)], forked])
      expect(decided({ oldSize: 150, proof: wrong, checkpoint }, heldAt(150))).toEqual({
        status: 422,
        detail: 'no proof of consistency with what was cosigned',
        fork: false,
      });
    expect(decided({ oldSize: 150, proof: forked, checkpoint: fork.note(250) }, heldAt(150)))
      // Two histories of different sizes: the notes alone do not prove it.
      .toMatchObject({ status: 422, fork: false });
    expect(decided({ oldSize: 0, proof, checkpoint }, null)).toMatchObject({ status: 422 });
    expect(decided({ oldSize: 250, proof, checkpoint }, heldAt(250))).toMatchObject({
      status: 422,
    });
  });

  test('the history that parts after what was cosigned is not noticed yet, and is from then on', async () => {
    const proof = await proofFrom(90, 200, fork);
    const asked = { oldSize: 90, proof, checkpoint: fork.note(200) };
    expect(decided(asked, heldAt(90))).toEqual({ status: 200, to: heldAt(200, fork) });
    const back = { oldSize: 200, proof: await proofFrom(200, 250), checkpoint: log.note(250) };
    expect(decided(back, heldAt(200, fork))).toMatchObject({ status: 422 });
  });

  test.each(['', 'old 0\n\n', 'old 0\n\nno note\n', 'new 0\n\nx\n'])('400: %j', (body) => {
    const read = readWitnessRequest(Buffer.from(body), { genesis: GENESIS, netuid: NETUID });
    expect(read).toMatchObject({ status: 400 });
  });
});
