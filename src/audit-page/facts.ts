import type { LogVerdict } from '../audit/audit-log.ts';
import { parseOrigin } from '../merkle/checkpoint.ts';
import type { Fact } from './messages.ts';

/** What an audit read and checked, as the page tells it. */
export function factsOf(verdict: LogVerdict): readonly Fact[] {
  const { origin, size, root, checkpoint, tiles, rules, rulesEndAt, events, unknown } = verdict;
  return [
    ...whose(origin),
    exact('Root', root),
    plain('Checkpoint', CHECKPOINTS[checkpoint]),
    plain('Events', `${count(size)}, each hashed and its bytes, place and schema checked`),
    plain('Hash tiles', `${count(tiles)}, each compared with the hashes computed here`),
    plain('Runs', `${count(rules.runs)}, with ${count(rules.decisions)} decisions computed again`),
    ...(rules.sealed === 0
      ? []
      : [plain('Sealed', `${count(rules.sealed)} facts of runs that are not open yet`)]),
    ...(rulesEndAt === null
      ? []
      : [
          plain(
            'Not checked',
            `the rules from event ${count(rulesEndAt)} on, because events there are no longer what they were`,
          ),
        ]),
    ...Object.entries(unknown).map(([type, times]) =>
      plain(
        'Not checked',
        `${count(times)} events of the type ${type}, which this page doesn’t know`,
      ),
    ),
    plain(
      'By type',
      Object.entries(events)
        .map(([type, times]) => `${count(times)} ${type}`)
        .join(', '),
    ),
  ];
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
