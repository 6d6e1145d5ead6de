import type { Signer } from '../consensus/keys.ts';
import { pae } from '../consensus/signed.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import { encode } from '../events/ej1.ts';
import { LOG_START_TYPE, type LogStart } from '../events/log-started.ts';
import { EMPTY_ROOT, hexOf } from '../merkle/tree.ts';
import type { Locked } from './lock.ts';
import type { Outside } from './outside.ts';

/** What lies here and elsewhere of a log before its process signs in. */
export type BeginningFacts = Readonly<{
  lock: Locked | null;
  /** Events in the stream. */
  streamSize: number;
  /** Nothing of it was ever published here. */
  filesEmpty: boolean;
  outside: Outside;
}>;

export type Beginning =
  /** It was begun before: start-up reconciliation has the word. */
  | Readonly<{ kind: 'begun' }>
  /** Nothing of it is anywhere: it may begin. */
  | Readonly<{ kind: 'begin' }>
  /** Whether it was begun elsewhere is not known yet. */
  | Readonly<{ kind: 'wait'; detail: string }>
  /** It was begun, and this machine does not know where it stands. */
  | Readonly<{ kind: 'refuse'; found: string }>;

/**
 * Whether a log may begin here. Never silently: a lock that is missing is the mark of an old copy or of a
 * lost disk, unless nothing of the log is in the stream, in the published files, on chain, or with a witness.
 */
export function decideBeginning(facts: BeginningFacts): Beginning {
  const { lock, streamSize, filesEmpty, outside } = facts;
  if (lock !== null) return { kind: 'begun' };
  if (streamSize > 0) return refuse(`${streamSize} events in the stream`);
  if (!filesEmpty) return refuse('published files');
  const [witness] = outside.witnessed;
  if (witness !== undefined) return refuse(`${witness.size} events that ${witness.by} witnessed`);
  const { anchor } = outside;
  if (!anchor.known) return { kind: 'wait', detail: anchor.detail };
  return anchor.value === null
    ? { kind: 'begin' }
    : refuse(`an anchor on chain of ${anchor.value.size} events`);
}

/** The lock of a log that holds nothing yet. */
export function emptyLock(source: string, time: string): Locked {
  return { source, size: 0, root: hexOf(EMPTY_ROOT), note: '', time };
}

/** The event that a log begins with: which keys speak for it, under the hotkey's signature. */
export function logStarted(start: Omit<LogStart, 'v' | 'hotkey'>, signer: Signer): DomainEvent {
  const { hotkey } = signer;
  const body = encode({ ...start, v: 'eirel/log-start/1', hotkey });
  const signature = signer.sign(pae(LOG_START_TYPE, body));
  return { type: 'log.started.v1', data: { hotkey, body, signature } };
}

function refuse(found: string): Beginning {
  return { kind: 'refuse', found };
}
