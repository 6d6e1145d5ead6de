import { isAppError } from '../errors.ts';
import { parseCheckpoint, verdictOfLogLine } from './checkpoint.ts';
import { cosignedAt } from './cosignature.ts';
import {
  formatVerifierKey,
  type Note,
  parseNote,
  parseVerifierKey,
  type VerifierKey,
} from './signed-note.ts';
import { malformed } from './text-form.ts';

/** A log or a witness that a policy trusts. */
type Trusted = Readonly<{ key: VerifierKey; url: string | null }>;

/**
 * Whom a verifier of checkpoints trusts (C2SP tlog-policy). Names of witnesses and groups mean something in
 * the policy alone; as C2SP asks, they are octets: characters up to U+00FF, each for one.
 */
export type Policy = Readonly<{
  logs: readonly Trusted[];
  witnesses: readonly (Trusted & Readonly<{ name: string }>)[];
  groups: readonly Readonly<{ name: string; threshold: number; members: readonly string[] }>[];
  /** A witness, a group, or `none`. */
  quorum: string;
}>;

/** C2SP asks for 32 of each at least; a subnet has up to 64 validators. */
const MAX_OF_EACH = 256;
/** A line of each with a long name, key and URL. */
const MAX_POLICY_BYTES = 262_144;

/** Reads a policy file. Throws `checkpoint.invalid` for anything that C2SP tlog-policy does not allow, and for keys that are not Ed25519. */
export function parsePolicy(bytes: Uint8Array): Policy {
  if (bytes.length > MAX_POLICY_BYTES) {
    throw malformed('policy', `at most ${MAX_POLICY_BYTES} bytes`);
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  if (!/^[\t\n\x20-\x7e\x80-\xff]*$/.test(text)) {
    throw malformed('policy', 'no control characters but tabs and newlines');
  }
  if (text !== '' && !text.endsWith('\n')) throw malformed('policy', 'lines that end in a newline');
  const draft: Draft = {
    logs: [],
    witnesses: [],
    groups: [],
    quorum: null,
    names: new Set(),
    grouped: new Set(),
    keys: { log: new Set(), witness: new Set() },
  };
  for (const line of text.split('\n')) {
    const items = line.split(/[ \t]+/).filter((item) => item !== '');
    if (items.length > 0 && items[0]?.startsWith('#') !== true) readLine(items, draft);
  }
  const { logs, witnesses, groups, quorum } = draft;
  if (quorum === null) throw malformed('policy', 'one quorum line');
  return { logs, witnesses, groups, quorum };
}

/** The text of a policy, in the order that lets each line name only what precedes it. */
export function formatPolicy({ logs, witnesses, groups, quorum }: Policy): Uint8Array {
  const lines = [
    ...logs.map(({ key, url }) => ['log', octets(formatVerifierKey(key)), ...maybe(url)]),
    ...witnesses.map(({ name, key, url }) => [
      'witness',
      name,
      octets(formatVerifierKey(key)),
      ...maybe(url),
    ]),
    ...groups.map(({ name, threshold, members }) => ['group', name, String(threshold), ...members]),
    ['quorum', quorum],
  ];
  const bytes = Buffer.from(lines.map((items) => `${items.join(' ')}\n`).join(''), 'latin1');
  // What would be read as something else is not handed out.
  parsePolicy(bytes);
  return bytes;
}

/** Whether a signed note is a checkpoint that the policy accepts, by which log, and who cosigned it. */
export type PolicyVerdict =
  | Readonly<{
      kind: 'accepted';
      log: VerifierKey | null;
      witnesses: readonly string[];
      /** When the last of them cosigned, in seconds since 1970; null where there are none. */
      cosignedAt: number | null;
    }>
  | Readonly<{
      kind: 'refused';
      /** `log`: signed by no log of the policy. `quorum`: by a log, but not cosigned by enough. */
      reason: 'malformed' | 'log' | 'quorum';
    }>;

/**
 * Evaluates a policy: the note is signed by one of its logs, whose key name is the origin, and cosigned by
 * the quorum. A policy without logs leaves the log to the caller (`log: null`). Never throws.
 */
export function checkPolicy(policy: Policy, bytes: Uint8Array): PolicyVerdict {
  const opened = openSafely(bytes);
  if (opened === null) return { kind: 'refused', reason: 'malformed' };
  const { note, origin } = opened;
  const log = policy.logs.find(
    ({ key }) =>
      key.name === origin &&
      verdictOfLogLine(note, origin, key.typeAndKey.subarray(1)) === 'verified',
  );
  if (log === undefined && policy.logs.length > 0) return { kind: 'refused', reason: 'log' };
  const cosigned = policy.witnesses.flatMap(({ name, key }) => {
    const time = cosignedAt(note, key);
    return time === null ? [] : [{ name, time }];
  });
  const reached = new Set(cosigned.map(({ name }) => name));
  // Groups name only what precedes them, so one pass in their order settles all of them.
  for (const { name, threshold, members } of policy.groups) {
    if (members.filter((member) => reached.has(member)).length >= threshold) reached.add(name);
  }
  if (policy.quorum !== NO_QUORUM && !reached.has(policy.quorum)) {
    return { kind: 'refused', reason: 'quorum' };
  }
  return {
    kind: 'accepted',
    log: log?.key ?? null,
    witnesses: cosigned.map(({ name }) => name),
    cosignedAt: cosigned.length === 0 ? null : Math.max(...cosigned.map(({ time }) => time)),
  };
}

type Draft = {
  logs: Policy['logs'][number][];
  witnesses: Policy['witnesses'][number][];
  groups: Policy['groups'][number][];
  quorum: string | null;
  /** Defined so far. */
  names: Set<string>;
  /** Members of a group so far: each name is one of at most one group. */
  grouped: Set<string>;
  /** Public keys so far, in hex: one key is no two logs and no two witnesses. */
  keys: Readonly<Record<'log' | 'witness', Set<string>>>;
};

const NO_QUORUM = 'none';
const LOG_TYPE = 0x01;
const WITNESS_TYPE = 0x04;

function readLine([keyword, ...items]: readonly string[], draft: Draft): void {
  switch (keyword) {
    case 'log':
      draft.logs.push(readTrusted('log', items, draft));
      break;
    case 'witness': {
      const [name = '', ...key] = items;
      define(name, draft);
      draft.witnesses.push({ name, ...readTrusted('witness', key, draft) });
      break;
    }
    case 'group':
      readGroup(items, draft);
      break;
    case 'quorum': {
      const [name = '', ...more] = items;
      if (draft.quorum !== null || more.length > 0) throw malformed('policy', 'one quorum line');
      if (name !== NO_QUORUM) checkDefined(name, draft);
      draft.quorum = name;
      break;
    }
    default:
      throw malformed('policy', 'lines of log, witness, group and quorum');
  }
}

function readTrusted(role: 'log' | 'witness', items: readonly string[], draft: Draft): Trusted {
  const [vkey = '', url = null, ...more] = items;
  if (more.length > 0) throw malformed('policy', 'a verifier key and at most one URL');
  const key = parseVerifierKey(Buffer.from(vkey, 'latin1').toString('utf8'));
  const { typeAndKey } = key;
  if (typeAndKey[0] !== (role === 'log' ? LOG_TYPE : WITNESS_TYPE) || typeAndKey.length !== 33) {
    throw malformed('policy', `an Ed25519 key of a ${role}`);
  }
  const known = draft.keys[role];
  const publicKey = Buffer.from(typeAndKey.subarray(1)).toString('hex');
  if (known.has(publicKey)) throw malformed('policy', `each ${role} once`);
  if (known.size >= MAX_OF_EACH) throw malformed('policy', `at most ${MAX_OF_EACH} of each kind`);
  known.add(publicKey);
  return { key, url };
}

function readGroup(items: readonly string[], draft: Draft): void {
  const [name = '', count = '', ...members] = items;
  if (members.length === 0) throw malformed('policy', 'a group with members');
  for (const member of members) {
    checkDefined(member, draft);
    if (draft.grouped.has(member)) throw malformed('policy', 'each name in one group at most');
    draft.grouped.add(member);
  }
  define(name, draft);
  if (draft.groups.length >= MAX_OF_EACH) {
    throw malformed('policy', `at most ${MAX_OF_EACH} of each kind`);
  }
  draft.groups.push({ name, threshold: thresholdOf(count, members.length), members });
}

function thresholdOf(count: string, members: number): number {
  if (count === 'any') return 1;
  if (count === 'all') return members;
  const threshold = /^[1-9][0-9]{0,3}$/.test(count) ? Number(count) : 0;
  if (threshold < 1 || threshold > members) {
    throw malformed('policy', 'a threshold of all, any, or 1 to the number of members');
  }
  return threshold;
}

function define(name: string, { names }: Draft): void {
  if (name === '' || name === NO_QUORUM || names.has(name)) {
    throw malformed('policy', 'each name defined once, and none of them "none"');
  }
  names.add(name);
}

function checkDefined(name: string, { names }: Draft): void {
  if (!names.has(name)) throw malformed('policy', 'names that a line before defines');
}

function maybe(url: string | null): readonly string[] {
  return url === null ? [] : [url];
}

/** The octets of a text in UTF-8, each as one character. */
function octets(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function openSafely(bytes: Uint8Array): Readonly<{ note: Note; origin: string }> | null {
  try {
    const note = parseNote(bytes);
    return { note, origin: parseCheckpoint(note.text).origin };
  } catch (error) {
    if (isAppError(error, 'checkpoint.invalid')) return null;
    throw error;
  }
}
