import { openDocument } from '../../consensus/document.ts';
import type { Verify } from '../../consensus/keys.ts';
import { MAX_DOCUMENT_BYTES, type SignedDocument, verifyDocument } from '../../consensus/signed.ts';
import type { RosterExpected } from '../../evaluation/check-roster.ts';
import { ROSTER_TYPE, RosterBody } from '../../evaluation/roster.ts';
import type { Queries } from '../../projectors/projector.ts';
import { refusedRosters } from '../../projectors/rosters.ts';
import { askEach, askPeer, type Fetch, type Peer } from '../ask-peers.ts';
import type { EvidenceDesk } from '../evidence-desk.ts';
import type { Recorder } from '../recorder.ts';

export type CompareDeps = Readonly<{
  fetch: Fetch;
  verify: Verify;
  queries: Readonly<{ rosters: Queries }>;
  desk: Pick<EvidenceDesk, 'accuse'>;
  record: Recorder;
  alone: <T>(act: () => Promise<T>) => Promise<T>;
  signal: AbortSignal;
}>;

/**
 * Asks peers for the signed body of the roster that they opened a run by. Who has the same one needs not be asked again:
 * their hotkeys are given. Another one that the owner signed convicts the owner; this validator refuses it, and holds the
 * run.
 */
export async function compareRosters(
  expected: RosterExpected,
  own: Readonly<{ roster: string; signed: SignedDocument }>,
  peers: readonly Peer[],
  deps: CompareDeps,
): Promise<readonly string[]> {
  const path = `/v1/rosters/${expected.family}/${expected.run}?view=signed`;
  const answers = await askEach(
    peers,
    async (peer, signal) => {
      const { fetch } = deps;
      const answer = await askPeer(peer, path, { fetch, signal, maxBytes: MAX_DOCUMENT_BYTES });
      return answer.kind === 'body'
        ? { peer, found: readSigned(answer.body, expected, deps) }
        : null;
    },
    deps,
  );
  const same: string[] = [];
  const others = new Map<string, SignedDocument>();
  for (const answer of answers) {
    if (answer === null || answer.found === null) continue;
    if (answer.found.digest === own.roster) same.push(answer.peer.hotkey);
    else others.set(answer.found.digest, answer.found.document);
  }
  for (const [digest, document] of others)
    await deps.alone(() => accuse(expected, { digest, document }, own.signed, deps));
  return same;
}

/** A roster's body of this run that the owner signed; null for anything else, which says nothing of the owner. */
function readSigned(
  bytes: Uint8Array,
  { genesis, netuid, family, run, owner }: RosterExpected,
  { verify }: Pick<CompareDeps, 'verify'>,
): Readonly<{ digest: string; document: SignedDocument }> | null {
  const opened = openDocument(bytes, ROSTER_TYPE);
  if (opened.kind === 'rejected' || opened.document.hotkey !== owner) return null;
  const body = RosterBody.safeParse(opened.json);
  if (!body.success) return null;
  const { data } = body;
  const isOfRun =
    data.genesis === genesis &&
    data.netuid === netuid &&
    data.family === family &&
    data.run === run;
  return isOfRun && verifyDocument(opened.document, verify) ? opened : null;
}

async function accuse(
  { family, run }: RosterExpected,
  { digest, document }: Readonly<{ digest: string; document: SignedDocument }>,
  own: SignedDocument,
  { desk, queries, record }: CompareDeps,
): Promise<void> {
  await desk.accuse({ kind: 'roster', documents: [own, document] });
  const known = await refusedRosters(queries.rosters, family, run);
  if (known.some(({ roster, reason }) => roster === digest && reason === 'another-roster')) return;
  const detail = 'the owner signed it beside the one that the run was opened by';
  const data = { family, run, roster: digest, reason: 'another-roster', detail } as const;
  await record([{ type: 'roster.refused.v1', data }]);
}
