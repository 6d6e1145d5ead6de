import type { LogVerdict } from '../audit/audit-log.ts';
import { parseOrigin } from '../merkle/checkpoint.ts';
import type { Fact } from './messages.ts';

/** What an audit read and checked, and what it could not check, as the page tells it. */
export function factsOf(verdict: LogVerdict): readonly Fact[] {
  const { origin, size, root, checkpoint, tiles, rules, events } = verdict;
  const types = Object.entries(events).map(([type, times]) => `${count(times)} ${type}`);
  return [
    ...whose(origin),
    exact('Root', root),
    plain('Checkpoint', CHECKPOINTS[checkpoint]),
    plain('Events', `${count(size)}, each hashed and its bytes, place and schema checked`),
    plain('By type', types.join(', ')),
    plain('Hash tiles', `${count(tiles)}, each compared with the hashes computed here`),
    plain('Runs', count(rules.runs)),
    plain('Decisions', `${count(rules.decisions)}, each computed again`),
    ...unchecked(verdict).map((text) => plain('Not checked', text)),
  ];
}

function unchecked({ rules, rulesEndAt, unknown }: LogVerdict): readonly string[] {
  const texts: string[] = [];
  if (rules.sealed > 0)
    texts.push(`${count(rules.sealed)} facts that are sealed until their run is open`);
  if (rules.unread > 0)
    texts.push(`${count(rules.unread)} signed commitments of a form that this page doesn’t know`);
  for (const [type, times] of Object.entries(unknown))
    texts.push(`${count(times)} events of the type ${type}, which this page doesn’t know`);
  if (rulesEndAt !== null)
    texts.push(`the rules from event ${count(rulesEndAt)} on: events there aren’t what they were`);
  return texts;
}

/** Whose log it is: the one thing that a reader has to compare with what they know from elsewhere. */
function whose(origin: string | null): readonly Fact[] {
  const named = origin === null ? null : parseOrigin(origin);
  if (origin === null || named === null) return [exact('Log', origin ?? 'its name can’t be read')];
  return [
    exact('Validator', named.hotkey),
    plain(
      'Subnet',
      `${named.netuid}, of the network whose genesis hash begins with ${named.genesis8}`,
    ),
    exact('Log', origin),
  ];
}

const CHECKPOINTS: Readonly<Record<LogVerdict['checkpoint'], string>> = {
  verified: 'Signed by the hotkey in the log’s name, and by the key that its first event names',
  refused: 'Refused, see above',
  absent: 'None: nothing says that the log is whole',
};

function exact(name: string, value: string): Fact {
  return { name, value, exact: true };
}

function plain(name: string, value: string): Fact {
  return { name, value, exact: false };
}

function count(value: number): string {
  return value.toLocaleString('en');
}
