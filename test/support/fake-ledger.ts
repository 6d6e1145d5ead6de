import type { JobState, LedgerClient, ToolCall } from '#src/handlers/ledger/ledger-port.ts';

/** A small ledger in memory that takes what is attested, or fails as it is told to. */
export type FakeLedger = Pick<LedgerClient, 'readJob' | 'attest'> & {
  /** What is in it, in the order in which it came. */
  readonly calls: ToolCall[];
  /** How often a job was read. */
  reads: number;
  open(job: string, terms?: Partial<JobState>): void;
  close(job: string): void;
  /** From now on it answers nothing, or answers again. */
  away: boolean;
  /** So many of the next writes arrive, but their answers are lost. */
  losesAnswers: number;
};

/** The end of every job that says nothing else. */
export const FAR_AWAY = '2099-01-01T00:00:00.000Z';

/** As the real one: durable names make a write that comes twice one, and a closed job takes no more. */
export function fakeLedger(): FakeLedger {
  const jobs = new Map<string, JobState>();
  const ledger: FakeLedger = {
    calls: [],
    reads: 0,
    away: false,
    losesAnswers: 0,
    open: (job, terms = {}) => {
      jobs.set(job, {
        job,
        open: true,
        expires: FAR_AWAY,
        budget: 1_000_000_000,
        spent: { state: 'known', nanoUsd: 0 },
        pending: [],
        maxCalls: 1_000,
        calls: 0,
        modelCalls: 0,
        ...terms,
      });
    },
    close: (job) => {
      const state = jobs.get(job);
      if (state !== undefined) jobs.set(job, { ...state, open: false });
    },
    readJob: async (job) => {
      ledger.reads += 1;
      return ledger.away ? AWAY : { kind: 'ok', job: jobs.get(job) ?? null };
    },
    attest: async (call) => {
      if (ledger.away) return AWAY;
      const state = jobs.get(call.job);
      if (state?.open === false) return { kind: 'refused', status: 409, detail: 'job is closed' };
      if (!ledger.calls.some((known) => known.job === call.job && known.call === call.call)) {
        ledger.calls.push(call);
        if (state !== undefined) jobs.set(call.job, charged(state, call));
      }
      if (ledger.losesAnswers === 0) return { kind: 'ok' };
      ledger.losesAnswers -= 1;
      return AWAY;
    },
  };
  return ledger;
}

function charged(state: JobState, { cost }: ToolCall): JobState {
  const spent =
    state.spent.state === 'known' && cost !== null
      ? ({ state: 'known', nanoUsd: state.spent.nanoUsd + cost } as const)
      : ({ state: 'unknown', reason: 'a call of unknown cost' } as const);
  return { ...state, spent, calls: state.calls + 1 };
}

const AWAY = { kind: 'unavailable', detail: 'away' } as const;
