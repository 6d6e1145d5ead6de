import { expect, test } from 'vitest';
import { archiveFault } from '#src/evaluation/archive-fault.ts';
import { manifestText } from '#src/evaluation/submission-yaml.ts';
import { decideArchive, isFinal } from '#src/handlers/roster/fetch-archive.ts';
import { rosterMember } from '../../support/rosters.ts';
import { MANIFEST_YAML } from '../../support/tar-files.ts';

const PLACE = { family: 'general_chat', run: 'run-7' };
const text = manifestText(Buffer.from(MANIFEST_YAML));
const MEMBER = rosterMember('ann', { manifest: text.kind === 'read' ? text.text : '' });

const decide = (
  changes: Partial<Parameters<typeof decideArchive>[2]> = {},
  member = MEMBER,
): ReturnType<typeof decideArchive> =>
  decideArchive(PLACE, member, { bytes: member.bytes, from: 'owner', read: listed(), ...changes });

function listed(yaml = MANIFEST_YAML) {
  return { kind: 'read', entries: 3, unpacked: 99, manifest: Buffer.from(yaml) } as const;
}

test('an archive that is as the roster says is accepted, with who gave it', () => {
  const { submission, hotkey: miner, archive, bytes } = MEMBER;
  const from = rosterMember('bob').hotkey;
  expect(decide({ from })).toEqual({
    type: 'archive.accepted.v1',
    data: { ...PLACE, submission, miner, archive, bytes, entries: 3, from },
  });
});

test.each<[string, string, ReturnType<typeof decideArchive>]>([
  ['of another length than was signed', 'not-an-archive', decide({ bytes: MEMBER.bytes + 1 })],
  ['with a link', 'unsafe', decide({ read: archiveFault('link', 'l') })],
  ['that is a bomb', 'too-large', decide({ read: archiveFault('ratio', 'much') })],
  ['without a manifest', 'manifest-differs', decide({ read: listed('') })],
  ['with another manifest', 'manifest-differs', decide({ read: listed('schema_version: 1') })],
  [
    'with the very manifest, which nobody can run by',
    'manifest-differs',
    decide({ read: listed('runtime: 1') }, { ...MEMBER, manifest: '{"runtime":1}' }),
  ],
])('an archive %s is refused for good', (_name, reason, event) => {
  expect(event).toMatchObject({ type: 'archive.refused.v1', data: { reason, from: 'owner' } });
  expect(event.type === 'archive.refused.v1' && isFinal(event.data)).toBe(true);
});

test('bytes that are others, or nobody gives, may be made up for', () => {
  expect(isFinal({ reason: 'hash-differs' })).toBe(false);
  expect(isFinal({ reason: 'unavailable' })).toBe(false);
});

test('what a miner wrote into an archive fits an event', () => {
  const event = decide({ read: listed(`about: ${'x'.repeat(4_000)}`) });
  expect(event).toMatchObject({ data: { detail: expect.stringMatching(/^.{1,400}$/) } });
});
