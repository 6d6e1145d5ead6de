import { pae } from '../../consensus/signed.ts';
import { decode } from '../../events/ej1.ts';
import { LOG_START_TYPE, LogStart } from '../../events/log-started.ts';
import { logSource } from '../../events/source.ts';
import { parseOrigin } from '../../merkle/checkpoint.ts';
import { isEd25519Key } from '../../merkle/ed25519.ts';
import type { AuditContext, AuditDeps } from '../audit-context.ts';
import type { Entry } from '../run-record.ts';

/** The start of a log as its first event has it, or what is wrong with it. */
export type CheckedStart =
  | Readonly<{ kind: 'started'; start: LogStart }>
  | Readonly<{ kind: 'invalid'; expected: string; found: string }>;

/**
 * Reads the statement that opens the log named `source`: signed by the hotkey that the name says, for its network,
 * subnet and generation, with two different admissible keys; it continues an earlier generation of the same log,
 * or is the first one.
 */
export function checkStart(
  { hotkey, body, signature }: Entry<'log.started.v1'>['data'],
  source: string,
  { verify }: Pick<AuditDeps, 'verify'>,
): CheckedStart {
  const start = startIn(body);
  if (start === null) return invalid('the statement that opens a log, in canonical EJ1', body);
  if (start.hotkey !== hotkey || start.source !== source || logSource(start) !== source)
    return invalid(`the start of ${source}`, `that of ${start.source}, ${start.hotkey}`);
  const keys = [start.logKey, start.witnessKey];
  const [logKey, witnessKey] = keys.map((key) => isEd25519Key(Buffer.from(key, 'hex')));
  if (logKey !== true || witnessKey !== true || start.logKey === start.witnessKey)
    return invalid('two different Ed25519 keys of prime order', keys.join(', '));
  if (!continues(start)) {
    const found = start.previous?.source ?? 'none';
    const expected =
      start.generation === 0
        ? 'no log before the first generation'
        : 'an earlier generation of the same log as the one before';
    return invalid(expected, found);
  }
  if (!verify(pae(LOG_START_TYPE, body), signature, hotkey))
    return invalid(`a signature of ${hotkey} over the start`, 'a signature that it did not make');
  return { kind: 'started', start };
}

/** The rule of the event that starts a log: it is the first one, and no other is. */
export function logStarted({ n, data }: Entry<'log.started.v1'>, context: AuditContext): void {
  const { log, fault } = context;
  if (n > 0) {
    fault('order-broken', n, 'one log.started, as the first event', 'another one');
    return;
  }
  const checked = checkStart(data, log.source, context);
  if (checked.kind === 'started') log.start = checked.start;
  else fault('start-invalid', n, checked.expected, checked.found);
}

function startIn(body: string): LogStart | null {
  try {
    return LogStart.safeParse(decode(body)).data ?? null;
  } catch {
    // Not canonical: no statement.
    return null;
  }
}

/** The first generation continues nothing, and every later one an earlier one. */
function continues({ source, generation, previous }: LogStart): boolean {
  if (previous === null || generation === 0) return previous === null && generation === 0;
  const [own, before] = [parseOrigin(source), parseOrigin(previous.source)];
  return (
    own !== null &&
    before !== null &&
    before.generation < generation &&
    own.genesis8 === before.genesis8 &&
    own.netuid === before.netuid &&
    own.hotkey === before.hotkey
  );
}

function invalid(expected: string, found: string): CheckedStart {
  return { kind: 'invalid', expected, found };
}
