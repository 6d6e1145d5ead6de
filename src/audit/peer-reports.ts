import { InputsGathered } from '../events/decision.ts';
import { subjectIn } from '../events/define-event.ts';
import { PeerReportAccepted } from '../events/report.ts';
import { openFact } from '../events/seal-box.ts';
import { FactSealed, ScoresOpened } from '../events/sealed.ts';
import type { LogSource } from './log-source.ts';
import { payloadsOf, readIf } from './peer-events.ts';
import type { Data } from './run-record.ts';

/** A signed report as another log holds it; whether it verifies is not known yet. */
export type PeerReport = Readonly<{
  /** The event and the log. */
  by: string;
  /** The run, as `subjectIn` names it. */
  place: string;
  hotkey: string;
  body: string;
  signature: string;
  digest: string;
}>;

/** What another log holds of the reports of some runs. */
export type PeerReports = Readonly<{
  reports: readonly PeerReport[];
  /** Whose reports it counted in its decisions, as `<place>/<hotkey>`. */
  counted: ReadonlySet<string>;
}>;

/**
 * Reads from another log the reports of these runs: those of others that it accepted, and its own, which it opened
 * when their run was committed to. Neither the log nor a report is believed here.
 */
export async function readReports(
  source: LogSource,
  places: ReadonlySet<string>,
): Promise<PeerReports> {
  const reports: PeerReport[] = [];
  const counted = new Set<string>();
  const sealed = new Map<string, Readonly<{ n: number; data: Data<'fact.sealed.v1'> }>>();
  const add = (n: number, data: Omit<PeerReport, 'by' | 'place'>, place: string): void => {
    const { hotkey, body, signature, digest } = data;
    reports.push({ by: `event ${n} of ${source.name}`, place, hotkey, body, signature, digest });
  };
  for await (const payload of payloadsOf(source)) {
    const accepted = readIf(payload, PeerReportAccepted);
    if (accepted !== null && places.has(subjectIn(accepted.data)))
      add(accepted.n, accepted.data, subjectIn(accepted.data));
    const fact = readIf(payload, FactSealed);
    if (fact?.data.of === 'report.signed.v1') sealed.set(subjectIn(fact.data), fact);
    const opened = readIf(payload, ScoresOpened);
    const own = opened === null ? undefined : sealed.get(subjectIn(opened.data));
    if (opened !== null && own !== undefined && places.has(subjectIn(opened.data))) {
      const opening = openFact(own.data, opened.data.key);
      if (opening.kind === 'opened' && opening.event.type === 'report.signed.v1')
        add(own.n, opening.event.data, subjectIn(opened.data));
    }
    const inputs = readIf(payload, InputsGathered);
    for (const { hotkey, status } of inputs?.data.reports ?? [])
      if (inputs !== null && status === 'accepted')
        counted.add(`${subjectIn(inputs.data)}/${hotkey}`);
  }
  return { reports, counted };
}
