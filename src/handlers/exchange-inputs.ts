import type { Rules } from '../events/decision.ts';
import { statementRejections } from '../projectors/decisions.ts';
import type { Queries } from '../projectors/projector.ts';
import * as reports from '../projectors/reports.ts';
import type { DecisionExchange } from './exchange-decisions.ts';
import type { ReportExchange } from './exchange-reports.ts';
import { misdeedKey } from './misdeeds.ts';
import type { RunView } from './run-view.ts';

type At = Readonly<{ genesis: string; netuid: number; rules: Rules }>;

/** What a round of exchanging reports starts from. */
export async function reportExchangeOf(
  view: RunView,
  { genesis, netuid }: At,
  { self, queries }: { self: string; queries: Queries },
): Promise<ReportExchange> {
  const { family, run, roster, phases } = view.run;
  const voters = view.open?.voters ?? [];
  const equivocators = await reports.equivocators(queries, family, run);
  const rejections = await reports.rejections(queries, family, run);
  return {
    self,
    expected: {
      genesis,
      netuid,
      family,
      run,
      roster,
      snapshotBlock: phases.snapshot,
      ...anyOf(voters),
    },
    voters,
    held: await reports.reportIndex(queries, family, run),
    equivocators: equivocators.map(({ hotkey }) => hotkey),
    known: new Set(rejections.map(misdeedKey)),
  };
}

/** What a round of exchanging decisions starts from; null while nothing is decided. */
export async function decisionExchangeOf(
  view: RunView,
  { genesis, netuid, rules }: At,
  { self, queries }: { self: string; queries: Queries },
): Promise<DecisionExchange | null> {
  const { family, run } = view.run;
  const { decision, statements } = view;
  if (decision === null) return null;
  const voters = view.open?.voters ?? [];
  const rejections = await statementRejections(queries, family, run);
  return {
    self,
    expected: { genesis, netuid, family, run, ...anyOf(voters) },
    rules,
    voters,
    decision,
    statements,
    known: new Set(rejections.map((fault) => misdeedKey({ ...fault, digest: null }))),
  };
}

/** Any voter's document will do: peers relay those of others. */
function anyOf(voters: readonly Readonly<{ hotkey: string }>[]) {
  return { hotkey: null, voters: new Set(voters.map(({ hotkey }) => hotkey)) };
}
