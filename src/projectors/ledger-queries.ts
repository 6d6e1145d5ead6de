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
import { JOB_COLUMNS, MODEL_COLUMNS, RESERVED_COLUMNS, TOOL_COLUMNS } from './ledger.ts';
import type { Queries } from './projector.ts';
import { integer, integerOrNull, json, oneOf, type ResultRow, text, textOrNull } from './row.ts';

type Terms = EventOf<typeof JobOpened>['data'];
type Call = EventOf<typeof ToolCalled>['data'];
type Reserved = EventOf<typeof CostReserved>['data'];
type Metered = EventOf<typeof CostMetered>['data'];

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

/** What there is of a job's costs: how it was opened, if it was, and its calls in the log's order. */
export type JobAccount = Readonly<{
  opened: KeptJob | null;
  tools: readonly Costed<Call, 'call' | 'cost'>[];
  /** Calls of models that were about to be made, metered by now or not. */
  reserved: readonly Kept<Reserved>[];
  models: readonly Costed<Metered, 'call' | 'cost' | 'unknown'>[];
}>;

type Costed<Data, Key extends keyof Data> = Readonly<{ data: Pick<Data, Key> }>;

/** All that there is of a job. */
export type JobRecord = JobAccount &
  Readonly<{ tools: readonly Kept<Call>[]; models: readonly Kept<Metered>[] }>;

/** What the projection has of a job, and the log's head that its rows hold: of one moment, for it is one statement. */
export async function recordOfJob(queries: Queries, job: string): Promise<Of<JobRecord>> {
  const [row = {}] = await queries.all(RECORD_OF_JOB, [job]);
  const tools = rowsIn(row, 'tools').map(toolCallOf);
  const models = rowsIn(row, 'models').map(modelCallOf);
  return { record: { ...openingIn(row), tools, models }, head: headIn(row) };
}

/** As `recordOfJob`, of the costs alone: what calls were made with is not read, and may be a thousand times as long. */
export async function accountOfJob(queries: Queries, job: string): Promise<Of<JobAccount>> {
  const [row = {}] = await queries.all(ACCOUNT_OF_JOB, [job]);
  const tools = rowsIn(row, 'tools').map((call) => ({
    data: { call: text(call, 'call'), cost: integerOrNull(call, 'cost') },
  }));
  const models = rowsIn(row, 'models').map((call) => ({
    data: { call: text(call, 'call'), cost: integerOrNull(call, 'cost'), unknown: unknownIn(call) },
  }));
  return { record: { ...openingIn(row), tools, models }, head: headIn(row) };
}

type Of<Record> = Readonly<{ record: Record; head: Head }>;

function openingIn(row: ResultRow): Pick<JobRecord, 'opened' | 'reserved'> {
  const [opened = null] = rowsIn(row, 'opened').map(jobOf);
  return { opened, reserved: rowsIn(row, 'reserved').map(reservedOf) };
}

function headIn(row: ResultRow): Head {
  return { size: integer(row, 'size'), hash: text(row, 'hash') };
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
const RECORD_OF_JOB = jobWith({ tools: TOOL_COLUMNS, models: MODEL_COLUMNS });
const ACCOUNT_OF_JOB = jobWith({ tools: 'call, cost', models: 'call, cost, unknown' });

const FACTS_AMONG = `SELECT ${among('jobs', 'job', JOB_COLUMNS, '?1')}, ${among('tools', 'tool_call', TOOL_COLUMNS, '?2')},
  ${among('reserved', 'reserved', RESERVED_COLUMNS, '?3')}, ${among('models', 'model_call', MODEL_COLUMNS, '?3')}`;

/** A job with these columns of its calls, and the checkpoint. */
function jobWith({ tools, models }: Readonly<Record<'tools' | 'models', string>>): string {
  return `SELECT ${ofJob('opened', 'job', JOB_COLUMNS)}, ${ofJob('reserved', 'reserved', RESERVED_COLUMNS)},
    ${ofJob('tools', 'tool_call', tools)}, ${ofJob('models', 'model_call', models)}, size, hash FROM checkpoint`;
}

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
      unknown: unknownIn(row),
      prices: text(row, 'prices'),
      status: oneOf(row, 'status', ['ok', 'error']),
      error: textOrNull(row, 'error'),
    },
    time: text(row, 'time'),
  };
}

function unknownIn(row: ResultRow): Metered['unknown'] {
  return row['unknown'] === null ? null : oneOf(row, 'unknown', UNKNOWN_COSTS);
}
