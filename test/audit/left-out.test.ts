import { expect, test } from 'vitest';
import { auditLog } from '#src/audit/audit-log.ts';
import { compareLeftOut } from '#src/audit/left-out.ts';
import { readReports } from '#src/audit/peer-reports.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import type { RejectionReason } from '#src/events/report.ts';
import { devSigner } from '../support/dev-keys.ts';
import { FAMILY, GENESIS, honestLog, NETUID, noteOf, RULES, SELF } from '../support/honest-log.ts';
import { filesOf, sourceOf } from '../support/memory-log.ts';
import { rewritten } from '../support/rewritten-log.ts';

const DEPS = { verify: verifySr25519, blake2b256 };
const HONEST = honestLog({ runs: 2, miners: 3, tasks: 2 });
const VICTIM = devSigner('v3').hotkey;
const DIGEST = reportOf(VICTIM);

/** What the inputs of the first run say of the victim's report in the log that leaves it out. */
type Said = Readonly<{
  status: 'rejected' | 'missing' | 'excluded';
  reason: RejectionReason | null;
  digest: string | null;
}>;

/** A log like the honest one that does not count the victim's report in the first run, for this reason. */
function leavingOut({ status, reason, digest }: Said): readonly Uint8Array[] {
  return rewritten(HONEST, (event): readonly DomainEvent[] => {
    if (event.type === 'peer-report.accepted.v1' && isVictims(event)) {
      if (reason === null) return [];
      const refusal = { peer: VICTIM, reason, detail: 'made up', digest };
      const place = { family: FAMILY, run: 'run-1' };
      return [{ type: 'peer-report.rejected.v1', data: { ...place, ...refusal } }];
    }
    if (event.type !== 'inputs.gathered.v1' || event.data.run !== 'run-1') return [event];
    const reports = event.data.reports.map((each) =>
      each.hotkey === VICTIM ? { ...each, status, reason, digest } : each,
    );
    return [{ ...event, data: { ...event.data, reports } }];
  });
}

function isVictims({ data }: Extract<DomainEvent, { type: 'peer-report.accepted.v1' }>): boolean {
  return data.run === 'run-1' && data.hotkey === VICTIM;
}

function reportOf(hotkey: string): string {
  let found = '';
  rewritten(HONEST, (event) => {
    if (event.type === 'peer-report.accepted.v1' && event.data.run === 'run-1')
      if (event.data.hotkey === hotkey) found = event.data.digest;
    return [];
  });
  return found;
}

async function compared(said: Said, peer: readonly Uint8Array[] = HONEST) {
  const payloads = leavingOut(said);
  const expected = { hotkey: SELF.hotkey, genesis: GENESIS, netuid: NETUID, ownerHotkey: null };
  const source = sourceOf(filesOf(payloads, noteOf(payloads)));
  const { leftOut } = await auditLog(source, { ...expected, claims: [] }, DEPS);
  const places = new Set(leftOut.map(({ place }) => place));
  const held = await readReports(sourceOf(filesOf(peer, noteOf(peer))), places);
  const refused = indexOf(payloads, 'peer-report.rejected.v1');
  return { refused, ...compareLeftOut(leftOut, [held], DEPS) };
}

function indexOf(payloads: readonly Uint8Array[], type: string): number {
  return payloads.findIndex((payload) => Buffer.from(payload).includes(`"type":"${type}"`));
}

test.for(['bad-signature', 'wrong-roster', 'schema'] as const)(
  'a report that is refused for %s, and verifies in a peer’s log, is a fault',
  async (reason) => {
    const { faults, divergences, refused } = await compared({
      status: 'rejected',
      reason,
      digest: DIGEST,
    });
    expect(divergences).toEqual([]);
    expect(faults).toMatchObject([
      {
        code: 'reports-differ',
        index: refused,
        where: expect.stringMatching(/^event \d+ of /),
        expected: `the report ${DIGEST} of ${VICTIM}, which verifies`,
        found: expect.stringContaining(`refused for ${reason}`),
      },
    ]);
  },
);

test.for([
  ['missing here', { status: 'missing', reason: null, digest: null }],
  [
    'refused here in another form',
    { status: 'rejected', reason: 'schema', digest: 'ab'.repeat(32) },
  ],
  [
    'given for another digest than was listed',
    { status: 'rejected', reason: 'wrong-digest', digest: DIGEST },
  ],
  ['excluded here and counted there', { status: 'excluded', reason: null, digest: null }],
] as const)('a report that is %s is a divergence, and no fault', async ([, said]) => {
  const { faults, divergences } = await compared(said);
  expect(faults).toEqual([]);
  expect(divergences).toMatchObject([
    { code: 'reports-differ', run: 'run-1', hotkey: VICTIM, digest: DIGEST, logs: 1 },
  ]);
});

test('whom the peer excludes as well is no divergence', async () => {
  const said = { status: 'excluded', reason: null, digest: null } as const;
  expect(await compared(said, leavingOut(said))).toMatchObject({ faults: [], divergences: [] });
});

test('a report that does not verify in the peer’s log either says nothing', async () => {
  const forged = rewritten(HONEST, (event) =>
    event.type === 'peer-report.accepted.v1' && isVictims(event)
      ? [{ ...event, data: { ...event.data, signature: 'ab'.repeat(64) } }]
      : [event],
  );
  const said = { status: 'rejected', reason: 'bad-signature', digest: DIGEST } as const;
  expect(await compared(said, forged)).toMatchObject({ faults: [], divergences: [] });
});

test('a peer’s own report, which it opened, counts like one that it accepted', async () => {
  const payloads = leavingOut({ status: 'missing', reason: null, digest: null });
  const held = await readReports(
    sourceOf(filesOf(payloads, noteOf(payloads))),
    new Set([`${FAMILY}/run-1`]),
  );
  expect(held.reports.map(({ hotkey }) => hotkey)).toContain(SELF.hotkey);
  expect(held.reports.map(({ hotkey }) => hotkey)).not.toContain(VICTIM);
});

test('the rules of the decisions are told, each family’s where they change', async () => {
  const rules = { ...RULES, margin: 1 };
  const changed = rewritten(HONEST, (event) =>
    event.type === 'inputs.gathered.v1' && event.data.run === 'run-2'
      ? [{ ...event, data: { ...event.data, rules } }]
      : [event],
  );
  const expected = { hotkey: SELF.hotkey, genesis: GENESIS, netuid: NETUID, ownerHotkey: null };
  for (const [log, told] of [
    [HONEST, [['run-1', RULES]]],
    [
      changed,
      [
        ['run-1', RULES],
        ['run-2', rules],
      ],
    ],
  ] as const) {
    const source = sourceOf(filesOf(log, noteOf(log)));
    const { inForce } = await auditLog(source, { ...expected, claims: [] }, DEPS);
    expect(inForce.map(({ run, rules: each }) => [run, each])).toEqual(told);
  }
});
