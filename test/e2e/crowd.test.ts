import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { verifyCertificate } from '#src/consensus/certificate.ts';
import { scoreDigest } from '#src/consensus/commitment.ts';
import { sha256 } from '#src/events/hash.ts';
import { type Crowd, openCrowd } from '../support/crowd.ts';
import { type Played, playCrowdRun } from '../support/crowd-play.ts';
import {
  BEST,
  type CrowdSubnet,
  crowdSubnet,
  hotkey,
  MINERS,
  REAL,
  SEATED,
  untilEpoch,
} from '../support/crowd-subnet.ts';
import { eventsOf, readLog } from '../support/live-log.ts';
import { PROCESS_TEST_TIMEOUT_MS, until } from '../support/live-until.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

/** The chain's own time between two blocks. */
const BLOCK_MS = 12_000;

/** Uid 0 is the owner's, then come the miners. */
const BEST_UID = 1 + MINERS.indexOf(BEST);

let subnet: CrowdSubnet;
let played: Played;
const cleanup = new AsyncDisposableStack();
beforeAll(async () => {
  const crowd: Crowd = cleanup.use(await openCrowd(SEATED.filter((name) => name !== REAL)));
  subnet = cleanup.use(await crowdSubnet(crowd.axons));
  played = await playCrowdRun(subnet, crowd, 1);
});
afterAll(() => cleanup.disposeAsync());

test('of 256 validators the 128 with the most stake vote, as the runtime chose them', () => {
  const [open] = eventsOf(played.log, 'snapshot.taken.v1');
  expect(open?.snapshot.rowCount).toBe(1 + 2 * 256);
  expect(open?.snapshot.voters.map((voter) => voter.hotkey)).toEqual(SEATED.map(hotkey).toSorted());
  expect(open?.snapshot.miners).toHaveLength(MINERS.length);
});

test("every voter's commitment is read from the chain, each to the report that it then opens", () => {
  const { log, reports } = played;
  const found = eventsOf(log, 'commitments.read.v1').flatMap((read) => read.found);
  const [own] = eventsOf(log, 'report.signed.v1');
  const opened = [...reports, ...(own === undefined ? [] : [own])];
  expect(opened).toHaveLength(SEATED.length);
  expect(new Map(found.map(({ hotkey: by, first }) => [by, first.digest]))).toEqual(
    new Map(opened.map(({ hotkey: by, body }) => [by, scoreDigest(body)])),
  );
  expect(found.filter(({ second }) => second !== null)).toEqual([]);
});

test('the run is decided on 128 reports of 256 miners each, for the miner that all saw as the best', () => {
  const [inputs] = eventsOf(played.log, 'inputs.gathered.v1');
  const statuses = inputs?.reports.map(({ status }) => status);
  expect(statuses).toEqual(SEATED.map(() => 'accepted'));
  expect(inputs?.reports.map(({ digest }) => digest)).toEqual(
    expect.arrayContaining(played.reports.map(({ body }) => sha256(body))),
  );
  const [decision] = eventsOf(played.log, 'decision.made.v1');
  expect(decision?.medians).toHaveLength(MINERS.length);
  expect(decision?.outcome).toMatchObject({
    kind: 'winner',
    reason: 'first-winner',
    winner: { hotkey: hotkey(BEST), uid: BEST_UID },
  });
});

test('the certificate of the outcome verifies, and bears the signature of every voter', () => {
  const [open] = eventsOf(played.log, 'snapshot.taken.v1');
  const [built] = eventsOf(played.log, 'certificate.built.v1');
  const [inputs] = eventsOf(played.log, 'inputs.gathered.v1');
  if (open === undefined || built === undefined || inputs === undefined)
    throw new Error('the run has no certificate');
  expect(built.signed).toBe(built.total);
  expect(built.certificate.signatures).toHaveLength(SEATED.length);
  expect(
    verifyCertificate(
      built.certificate,
      open.snapshot.voters,
      inputs.rules.certificateQuorum,
      verifySr25519,
    ),
  ).toMatchObject({ kind: 'valid' });
});

test('everything is read and the run decided and certified, each within the time of a block', () => {
  for (const [phase, took] of Object.entries(played.figures)) {
    const told = `${phase} in ms, of ${JSON.stringify(played.figures)}`;
    expect.soft(took, told).toBeGreaterThan(0);
    expect.soft(took, told).toBeLessThan(BLOCK_MS);
  }
});

test('the weights are on the chain once the timelock is open, 256 entries with the winner alone paid', async () => {
  const { chain } = subnet;
  const intent = eventsOf(played.log, 'weights.intended.v1')[0]?.vector;
  expect(intent?.filter(({ weight }) => weight > 0)).toEqual([{ uid: BEST_UID, weight: 65_535 }]);
  await until('the weights of the real validator are committed to', async () => {
    await chain.nextBlock();
    await subnet.settled();
    return chain.stateAt('finalized').timelocked.length > 0;
  });
  expect(chain.weightsOf(REAL)).toBeNull();
  await untilEpoch(subnet);
  await until('the timelock is open', async () => {
    await chain.nextBlock();
    await subnet.settled();
    return chain.weightsOf(REAL);
  });
  expect(chain.weightsOf(REAL)).toEqual(intent);
  await until('the validator sees its weights on the chain', async () => {
    await chain.nextBlock();
    await subnet.settled();
    const [seen] = eventsOf(await readLog(subnet.nats, REAL), 'weights.observed.v1');
    return seen;
  });
});
