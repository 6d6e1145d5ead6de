import type { DomainEvent } from '../events/catalogue.ts';
import type { InRun } from '../events/define-event.ts';
import type { Change, Projector } from './projector.ts';

/** How far this validator has come with each task of a run, and with each miner's answer to it. */
export const evaluation: Projector = {
  name: 'evaluation',
  version: 4,
  schema: [
    table('roster', 'task_set TEXT NOT NULL, roster TEXT NOT NULL', ''),
    table(
      'archive',
      'submission TEXT NOT NULL, miner TEXT NOT NULL, archive TEXT NOT NULL',
      'submission',
    ),
    table(
      'runtime',
      'deployment TEXT NOT NULL, attempt INTEGER NOT NULL, phase TEXT NOT NULL, data TEXT NOT NULL',
      'deployment, attempt, phase',
    ),
    table(
      'claim',
      'task TEXT NOT NULL, attempt INTEGER NOT NULL, evaluation TEXT, expires TEXT',
      'task, attempt',
    ),
    table('returned', 'task TEXT NOT NULL, attempt INTEGER NOT NULL', 'task, attempt'),
    table('reference', 'task TEXT NOT NULL, reference TEXT NOT NULL, cost INTEGER', 'task'),
    ...['invoked', 'evidence', 'judged'].map((name) =>
      table(
        name,
        'task TEXT NOT NULL, miner TEXT NOT NULL, attempt INTEGER NOT NULL, data TEXT NOT NULL',
        'task, miner, attempt',
      ),
    ),
    table(
      'excused',
      'task TEXT NOT NULL, miner TEXT NOT NULL, attempt INTEGER NOT NULL',
      'task, miner, attempt',
    ),
    table(
      'refused',
      'task TEXT NOT NULL, miner TEXT NOT NULL, attempt INTEGER NOT NULL, refusal INTEGER NOT NULL',
      'task, miner, attempt, refusal',
    ),
    table(
      'settled',
      'task TEXT NOT NULL, miner TEXT NOT NULL, status TEXT NOT NULL, evidence TEXT NOT NULL',
      'task, miner',
    ),
  ],
  statements: {
    roster: insert('roster', 4),
    archive: insert('archive', 5),
    runtime: insert('runtime', 6),
    claim: insert('claim', 6),
    returned: insert('returned', 4),
    reference: insert('reference', 5),
    invoked: insert('invoked', 6),
    excused: insert('excused', 5),
    evidence: insert('evidence', 6),
    judged: insert('judged', 6),
    refused: insert('refused', 6),
    settled: insert('settled', 6),
  },
  project: ({ event }) => changesOf(event),
};

/** Of two events that claim the same fact the first stands. */
function table(name: string, columns: string, key: string): string {
  const primary = ['family', 'run', ...(key === '' ? [] : [key])].join(', ');
  return `CREATE TABLE ${name} (
    family TEXT NOT NULL, run TEXT NOT NULL, ${columns}, PRIMARY KEY (${primary})
  ) STRICT, WITHOUT ROWID`;
}

function insert(name: string, columns: number): string {
  const values = Array.from({ length: columns }, (_, index) => `value ->> ${index}`).join(', ');
  return `INSERT INTO ${name} SELECT ${values} FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`;
}

function changesOf(event: DomainEvent): readonly Change[] {
  switch (event.type) {
    case 'roster.accepted.v1':
      return row('roster', event.data, [event.data.taskSet, event.data.roster]);
    case 'archive.accepted.v1': {
      const { submission, miner, archive } = event.data;
      return row('archive', event.data, [submission, miner, archive]);
    }
    case 'runtime.ready.v1':
      return runtimeRow('ready', event.data);
    case 'runtime.failed.v1':
      return runtimeRow('failed', event.data);
    case 'runtime.ended.v1':
      return runtimeRow('ended', event.data);
    case 'task.claimed.v1': {
      const { task, attempt, lease } = event.data;
      return row('claim', event.data, [
        task,
        attempt,
        lease?.evaluation ?? null,
        lease?.expires ?? null,
      ]);
    }
    case 'task.returned.v1':
      return row('returned', event.data, [event.data.task, event.data.attempt]);
    case 'reference.made.v1':
      return row('reference', event.data, [event.data.task, event.data.reference, event.data.cost]);
    case 'task.invoked.v1':
      return pairRow('invoked', event.data);
    case 'invocation.excused.v1': {
      const { task, miner, attempt } = event.data;
      return row('excused', event.data, [task, miner, attempt]);
    }
    case 'evidence.gathered.v1':
      return pairRow('evidence', event.data);
    case 'task.judged.v1':
      return pairRow('judged', event.data);
    case 'verdict.refused.v1': {
      const { task, miner, attempt, refusal } = event.data;
      return row('refused', event.data, [task, miner, attempt, refusal]);
    }
    case 'score.recorded.v1': {
      const { task, miner, status, evidence } = event.data;
      return row('settled', event.data, [task, miner, status, evidence]);
    }
    default:
      return [];
  }
}

function row(
  statement: string,
  { family, run }: InRun,
  values: readonly (string | number | null)[],
): readonly Change[] {
  return [{ statement, rows: [[family, run, ...values]] }];
}

function runtimeRow(
  phase: string,
  data: InRun & Readonly<{ deployment: string; attempt: number }>,
): readonly Change[] {
  return row('runtime', data, [data.deployment, data.attempt, phase, JSON.stringify(data)]);
}

function pairRow(
  statement: string,
  data: InRun & Readonly<{ task: string; miner: string; attempt: number }>,
): readonly Change[] {
  return row(statement, data, [data.task, data.miner, data.attempt, JSON.stringify(data)]);
}
