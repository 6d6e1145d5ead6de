import { z } from 'zod';
import type { EventOf } from '../events/define-event.ts';
import type { Head } from '../events/envelope.ts';
import {
  type CostMetered,
  type CostReserved,
  type JobOpened,
  type ToolCalled,
  UNKNOWN_COSTS,
} from '../events/job.ts';
import type { Change, Projector, Queries, Row } from './projector.ts';
import { integer, integerOrNull, json, oneOf, type ResultRow, text, textOrNull } from './row.ts';

const JOB_COLUMNS =
  'job, family, run, task, miner, deployment, budget, calls, expires, time, closed';
const TOOL_COLUMNS =
  'n, call, job, tool, args, args_hash, result, latency, cost, status, error, time';
const RESERVED_COLUMNS = 'n, call, job, provider, model, most, prices, time';
const MODEL_COLUMNS =
  'n, call, job, provider, model, prompt, cached, completion, latency, cost, unknown, prices, status, error, time';

/** Jobs, the calls of tools and of models that were put down to them, and what each cost. */
export const ledger: Projector = {
  name: 'ledger',
  version: 3,
  schema: [
    `CREATE TABLE job (
      job TEXT NOT NULL PRIMARY KEY, family TEXT NOT NULL, run TEXT NOT NULL, task TEXT NOT NULL, miner TEXT NOT NULL,
      deployment TEXT NOT NULL, budget INTEGER NOT NULL, calls INTEGER NOT NULL, expires TEXT NOT NULL,
      time TEXT NOT NULL, closed INTEGER NOT NULL
    ) STRICT`,
    // By its place in the log: what comes in is added at the table's end, and a job's calls are in their order.
    `CREATE TABLE tool_call (
      n INTEGER PRIMARY KEY, call TEXT NOT NULL, job TEXT NOT NULL, tool TEXT NOT NULL, args TEXT NOT NULL,
      args_hash TEXT NOT NULL, result TEXT NOT NULL, latency INTEGER NOT NULL, cost INTEGER, status TEXT NOT NULL,
      error TEXT, time TEXT NOT NULL, UNIQUE (job, call)
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
  return [n, call, job, tool, args, argsHash, result, latencyMs, cost, status, error, time];
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

/** A fact of the log with its time. */
export type Kept<Data> = Readonly<{ data: Data; time: string }>;

/** An opened job, and whether it is closed. */
export type KeptJob = Kept<Terms> & Readonly<{ closed: boolean }>;

/** What names the things that somebody asks about: jobs, and calls of tools and of models. */
type Names = Readonly<{
  jobs: readonly string[];
  tools: readonly CallName[];
  models: readonly CallName[];
}>;

/** A call's name is its sender's: there may be another one by it for another job. */
export type CallName = readonly [job: string, call: string];

/** What there is of many things. */
type FactsAmong = Readonly<{
  jobs: readonly KeptJob[];
  tools: readonly Kept<Call>[];
  reserved: readonly Kept<Reserved>[];
  models: readonly Kept<Metered>[];
}>;

/** Those of the jobs that were opened, and of the calls that were recorded, by their names; of one moment. */
export async function factsAmong(queries: Queries, names: Names): Promise<FactsAmong> {
  const { jobs, tools, models } = names;
  const lists = [jobs, tools, models].map((list) => JSON.stringify(list));
  const [row = {}] = await queries.all(FACTS_AMONG, lists);
  return {
    jobs: rowsIn(row, 'jobs').map(jobOf),
    tools: rowsIn(row, 'tools').map(toolCallOf),
    reserved: rowsIn(row, 'reserved').map(reservedOf),
    models: rowsIn(row, 'models').map(modelCallOf),
  };
}

/** All that there is of a job: how it was opened, if it was, and its calls in the log's order. */
export type JobRecord = Readonly<{
  opened: KeptJob | null;
  tools: readonly Kept<Call>[];
  /** Calls of models that were about to be made, metered by now or not. */
  reserved: readonly Kept<Reserved>[];
  models: readonly Kept<Metered>[];
}>;

/** What the projection has of a job, and the log's head that its rows hold: of one moment, for it is one statement. */
export async function recordOfJob(
  queries: Queries,
  job: string,
): Promise<Readonly<{ record: JobRecord; head: Head }>> {
  const [row = {}] = await queries.all(RECORD_OF_JOB, [job]);
  const [opened = null] = rowsIn(row, 'opened').map(jobOf);
  const record = {
    opened,
    tools: rowsIn(row, 'tools').map(toolCallOf),
    reserved: rowsIn(row, 'reserved').map(reservedOf),
    models: rowsIn(row, 'models').map(modelCallOf),
  };
  return { record, head: { size: integer(row, 'size'), hash: text(row, 'hash') } };
}

function rowsIn(row: ResultRow, column: string): readonly ResultRow[] {
  return json(row, column, Rows);
}

/** What is in a row is checked where it is read. */
const Rows = z.custom<readonly ResultRow[]>(Array.isArray, 'an array of rows');

/*
 * Rows of several tables come from one statement, as one text each: a round trip for each table, and an object for each
 * row, would take several times as long, and the tables would not be of one moment.
 */
const RECORD_OF_JOB = `SELECT ${ofJob('opened', 'job', JOB_COLUMNS)}, ${ofJob('tools', 'tool_call', TOOL_COLUMNS)},
  ${ofJob('reserved', 'reserved', RESERVED_COLUMNS)}, ${ofJob('models', 'model_call', MODEL_COLUMNS)},
  size, hash FROM checkpoint`;

const FACTS_AMONG = `SELECT ${among('jobs', 'job', JOB_COLUMNS, '?1')}, ${among('tools', 'tool_call', TOOL_COLUMNS, '?2')},
  ${among('reserved', 'reserved', RESERVED_COLUMNS, '?3')}, ${among('models', 'model_call', MODEL_COLUMNS, '?3')}`;

/** A job's rows of a table; calls in the log's order. */
function ofJob(as: string, table: string, columns: string): string {
  const order = table === 'job' ? '' : ' ORDER BY n';
  return `(SELECT json_group_array(${objectOf(columns)}${order}) FROM ${table} WHERE job = ?1) AS ${as}`;
}

/** CROSS JOIN: the names come first, and each is one look into the table's index. */
function among(as: string, table: string, columns: string, names: string): string {
  const name = table === 'job' ? 'job = value' : 'job = value ->> 0 AND call = value ->> 1';
  return `(SELECT json_group_array(${objectOf(columns)})
    FROM json_each(${names}) CROSS JOIN ${table} ON ${name}) AS ${as}`;
}

function objectOf(columns: string): string {
  return `json_object(${columns
    .split(', ')
    .map((column) => `'${column}', ${column}`)
    .join(', ')})`;
}

function jobOf(row: ResultRow): KeptJob {
  return {
    data: {
      family: text(row, 'family'),
      run: text(row, 'run'),
      job: text(row, 'job'),
      task: text(row, 'task'),
      miner: text(row, 'miner'),
      deployment: text(row, 'deployment'),
      budget: integer(row, 'budget'),
      calls: integer(row, 'calls'),
      expires: text(row, 'expires'),
    },
    time: text(row, 'time'),
    closed: integer(row, 'closed') === 1,
  };
}

function toolCallOf(row: ResultRow): Kept<Call> {
  return {
    data: {
      call: text(row, 'call'),
      job: text(row, 'job'),
      tool: text(row, 'tool'),
      args: text(row, 'args'),
      argsHash: text(row, 'args_hash'),
      result: text(row, 'result'),
      latencyMs: integer(row, 'latency'),
      cost: integerOrNull(row, 'cost'),
      status: text(row, 'status'),
      error: textOrNull(row, 'error'),
    },
    time: text(row, 'time'),
  };
}

function reservedOf(row: ResultRow): Kept<Reserved> {
  return {
    data: {
      call: text(row, 'call'),
      job: text(row, 'job'),
      provider: text(row, 'provider'),
      model: text(row, 'model'),
      most: integerOrNull(row, 'most'),
      prices: text(row, 'prices'),
    },
    time: text(row, 'time'),
  };
}

function modelCallOf(row: ResultRow): Kept<Metered> {
  return {
    data: {
      call: text(row, 'call'),
      job: text(row, 'job'),
      provider: text(row, 'provider'),
      model: text(row, 'model'),
      promptTokens: integerOrNull(row, 'prompt'),
      cachedTokens: integerOrNull(row, 'cached'),
      completionTokens: integerOrNull(row, 'completion'),
      latencyMs: integer(row, 'latency'),
      cost: integerOrNull(row, 'cost'),
      unknown: row['unknown'] === null ? null : oneOf(row, 'unknown', UNKNOWN_COSTS),
      prices: text(row, 'prices'),
      status: oneOf(row, 'status', ['ok', 'error']),
      error: textOrNull(row, 'error'),
    },
    time: text(row, 'time'),
  };
}
