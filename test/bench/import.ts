import { type ImportLine, importScores, MAX_IMPORT_LINES } from '#src/handlers/import-scores.ts';
import { createRecorder } from '#src/handlers/recorder.ts';
import { recordedEvidence, scoreStore } from '#src/projectors/score-store.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { openProjection } from '#src/runtime/projection.ts';
import { runProjections } from '#src/runtime/projection-pump.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { type Broker, startBroker } from './broker.ts';
import { perSecond, repeat } from './measure.ts';
import { type Benchmark, plainRow } from './row.ts';
import { FAMILY, inBatches, MINERS, SOURCE, scoreOf, TASKS, TIME } from './workload.ts';

/** Task results imported as an operator does it: read, appended, and waited for in the score store. */
export const scoresImport: Benchmark = {
  name: 'import',
  summary: 'scores imported into log and score store',
  measure: async (quick) => {
    const rounds = quick ? { warmUps: 0, rounds: 2 } : { warmUps: 1, rounds: 5 };
    await using broker = await startBroker(rounds.warmUps + rounds.rounds);
    const lines = TASKS.slice(0, quick ? 8 : 256).map(lineOf);
    const value = await repeat(() => importRate(broker, lines), rounds);
    const what = `import of scores, lines of ${MINERS.length} miners`;
    return [plainRow({ name: 'import', what, unit: 'scores/s' }, value)];
  },
};

/** One run from its first line to its last, requests one after the other. */
async function importRate(broker: Broker, lines: readonly ImportLine[]): Promise<number> {
  await using scratch = await scratchDirectory();
  const log = await openLog(await broker.freshStore());
  const stop = new AbortController();
  await using opened = new AsyncDisposableStack();
  const projection = opened.use(
    await openProjection(scoreStore, { dir: scratch.path, source: SOURCE }),
  );
  const pump = runProjections(log, [projection], { signal: stop.signal, follow: true });
  opened.defer(() => {
    stop.abort(new Error('measured'));
    return pump.ended;
  });
  const record = createRecorder({ append: log.append, reached: pump.reached, now: () => TIME });
  const deps: Parameters<typeof importScores>[1] = {
    record,
    findRun: async () => ({ status: 'open', measured: false, miners: MINERS, tasks: TASKS }),
    recordedEvidence: (family, run, pairs) =>
      recordedEvidence(projection.queries, family, run, pairs),
  };
  return await perSecond(lines.length * MINERS.length, async () => {
    for (const request of inBatches(lines, LINES_A_REQUEST)) {
      const { accepted } = await importScores(request, deps);
      if (accepted !== request.length) throw new Error(`${accepted} of ${request.length} lines`);
    }
  });
}

/** A line of 256 miners has some 40 kB and a request at most 1 MiB; `MAX_IMPORT_LINES` are never reached. */
const LINES_A_REQUEST = Math.min(16, MAX_IMPORT_LINES);

function lineOf(task: string, index: number): ImportLine {
  const results = MINERS.map((miner, at) => ({
    miner_hotkey: miner,
    verdict: 'matches',
    final_task_score: scoreOf(index * MINERS.length + at) / 1e9,
    agreement_score: 1,
    judge_output: {},
    miner_response: { status: 'completed' },
  }));
  const text = { run_id: 'run-7', family_id: FAMILY, task_id: task, miner_results: results };
  return { number: index + 1, text: JSON.stringify(text) };
}
