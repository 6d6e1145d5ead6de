import type { EventOf } from '../events/define-event.ts';
import type { CostMetered, CostReserved, JobOpened, ToolCalled } from '../events/job.ts';
import type { Change, Projector, Row } from './projector.ts';

/* The columns of the tables, in the order in which rows fill them. */

export const JOB_COLUMNS =
  'job, family, run, task, miner, deployment, budget, calls, expires, time, closed';
// What may be long comes last: SQLite reads a row up to the last column that is asked for.
export const TOOL_COLUMNS =
  'n, call, job, tool, latency, cost, status, error, time, args_hash, args, result';
export const RESERVED_COLUMNS = 'n, call, job, provider, model, most, prices, time';
export const MODEL_COLUMNS =
  'n, call, job, provider, model, prompt, cached, completion, latency, cost, unknown, prices, status, error, time';

/** Jobs, the calls of tools and of models that were put down to them, and what each cost. */
export const ledger: Projector = {
  name: 'ledger',
  version: 4,
  schema: [
    `CREATE TABLE job (
      job TEXT NOT NULL PRIMARY KEY, family TEXT NOT NULL, run TEXT NOT NULL, task TEXT NOT NULL, miner TEXT NOT NULL,
      deployment TEXT NOT NULL, budget INTEGER NOT NULL, calls INTEGER NOT NULL, expires TEXT NOT NULL,
      time TEXT NOT NULL, closed INTEGER NOT NULL
    ) STRICT`,
    // By its place in the log: what comes in is added at the table's end, and a job's calls are in their order.
    `CREATE TABLE tool_call (
      n INTEGER PRIMARY KEY, call TEXT NOT NULL, job TEXT NOT NULL, tool TEXT NOT NULL, latency INTEGER NOT NULL,
      cost INTEGER, status TEXT NOT NULL, error TEXT, time TEXT NOT NULL, args_hash TEXT NOT NULL, args TEXT NOT NULL,
      result TEXT NOT NULL, UNIQUE (job, call)
    ) STRICT`,
    `CREATE TABLE reserved (
      n INTEGER PRIMARY KEY, call TEXT NOT NULL, job TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
      most INTEGER, prices TEXT NOT NULL, time TEXT NOT NULL, UNIQUE (job, call)
    ) STRICT`,
    `CREATE TABLE model_call (
      n INTEGER PRIMARY KEY, call TEXT NOT NULL, job TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
      prompt INTEGER, cached INTEGER, completion INTEGER, latency INTEGER NOT NULL, cost INTEGER, unknown TEXT,
      prices TEXT NOT NULL, status TEXT NOT NULL, error TEXT, time TEXT NOT NULL, UNIQUE (job, call)
    ) STRICT`,
  ],
  statements: {
    job: insert('job', JOB_COLUMNS),
    closed: 'UPDATE job SET closed = 1 WHERE job IN (SELECT value ->> 0 FROM json_each(?1))',
    tool_call: insert('tool_call', TOOL_COLUMNS),
    reserved: insert('reserved', RESERVED_COLUMNS),
    model_call: insert('model_call', MODEL_COLUMNS),
  },
  project({ event, n, time }) {
    switch (event.type) {
      case 'job.opened.v1':
        return [change('job', jobRow(event.data, time))];
      case 'job.closed.v1':
        return [change('closed', [event.data.job])];
      case 'tool.called.v1':
        return [change('tool_call', toolRow(event.data, n, time))];
      case 'cost.reserved.v1':
        return [change('reserved', reservedRow(event.data, n, time))];
      case 'cost.metered.v1':
        return [change('model_call', modelRow(event.data, n, time))];
      default:
        return [];
    }
  },
};

function insert(table: string, columns: string): string {
  const values = columns.split(', ').map((_, index) => `value ->> ${index}`);
  return `INSERT INTO ${table} (${columns}) SELECT ${values.join(', ')}
    FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`;
}

function change(statement: string, row: Row): Change {
  return { statement, rows: [row] };
}

type Terms = EventOf<typeof JobOpened>['data'];
type Call = EventOf<typeof ToolCalled>['data'];
type Reserved = EventOf<typeof CostReserved>['data'];
type Metered = EventOf<typeof CostMetered>['data'];

function jobRow(data: Terms, time: string): Row {
  const { job, family, run, task, miner, deployment, budget, calls, expires } = data;
  return [job, family, run, task, miner, deployment, budget, calls, expires, time, 0];
}

function toolRow(data: Call, n: number, time: string): Row {
  const { call, job, tool, args, argsHash, result, latencyMs, cost, status, error } = data;
  return [n, call, job, tool, latencyMs, cost, status, error, time, argsHash, args, result];
}

function reservedRow(data: Reserved, n: number, time: string): Row {
  const { call, job, provider, model, most, prices } = data;
  return [n, call, job, provider, model, most, prices, time];
}

function modelRow(data: Metered, n: number, time: string): Row {
  const { call, job, provider, model, promptTokens, cachedTokens, completionTokens } = data;
  const { latencyMs, cost, unknown, prices, status, error } = data;
  const figures = [promptTokens, cachedTokens, completionTokens, latencyMs, cost];
  return [n, call, job, provider, model, ...figures, unknown, prices, status, error, time];
}
