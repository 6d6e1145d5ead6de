import { buildRoster, type RosterDraft } from '#src/evaluation/build-roster.ts';
import type { RosterExpected } from '#src/evaluation/check-roster.ts';
import type { RosterMember } from '#src/evaluation/roster.ts';
import { encode } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { devSigner } from './dev-keys.ts';

/** The owner whom rosters of these tests are signed by. */
export const rosterOwner = devSigner('owner');

/** The member that a miner of that name is. */
export function rosterMember(name: string, changes: Partial<RosterMember> = {}): RosterMember {
  return {
    hotkey: devSigner(name).hotkey,
    submission: `submission-${name}`,
    archive: sha256(`archive of ${name}`),
    bytes: 2_048,
    manifest: encode({ agent: { name }, family_id: 'general_chat', schema_version: 1 }),
    ...changes,
  };
}

/** What a roster of three miners and four tasks says. */
export function rosterDraft(changes: Partial<RosterDraft> = {}): RosterDraft {
  return {
    genesis: sha256('genesis'),
    netuid: 36,
    family: 'general_chat',
    run: 'run-7',
    epoch: 7,
    taskSet: sha256('task set'),
    tasks: ['t-1', 't-2', 't-3', 't-4'],
    sample: null,
    phases: { snapshot: 100, commit: 200, decide: 210, certify: 220 },
    members: ['ann', 'bob', 'cid'].map((name) => rosterMember(name)),
    ...changes,
  };
}

/** The served bytes of a roster. */
export function rosterBytes(changes: Partial<RosterDraft> = {}, signer = rosterOwner): Uint8Array {
  return buildRoster(rosterDraft(changes), signer).bytes;
}

/** What a validator that wants that roster expects. */
export function rosterExpected(changes: Partial<RosterExpected> = {}): RosterExpected {
  const { genesis, netuid, family, run } = rosterDraft();
  return { genesis, netuid, family, run, owner: rosterOwner.hotkey, ...changes };
}
