import type { Config } from '../../config.ts';
import { type Evaluation, openEvaluation } from './open-evaluation.ts';
import { openRosters, type Rosters } from './open-rosters.ts';

/** What a validator needs that runs the submissions of a run itself: the run's roster, and the measuring. */
export type Execution = Omit<Evaluation, 'checks'> & Pick<Rosters, 'routes' | 'checks'>;

type Deps = Parameters<typeof openRosters>[1] &
  Omit<Parameters<typeof openEvaluation>[1], 'documents'>;

/** Opens both, where the configuration says so; elsewhere nothing of it does anything. */
export async function openExecution(config: Config, deps: Deps): Promise<Execution> {
  await using opened = new AsyncDisposableStack();
  const rosters = opened.use(openRosters(config, deps));
  const { documents, routes } = rosters;
  const evaluation = opened.use(await openEvaluation(config, { ...deps, documents }));
  const running = opened.move();
  return {
    routes,
    checks: [...rosters.checks, ...evaluation.checks],
    run: async () => {
      await Promise.all([rosters.run(), evaluation.run()]);
    },
    excuses: evaluation.excuses,
    progress: evaluation.progress,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
