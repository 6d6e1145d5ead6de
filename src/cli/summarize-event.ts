import { formatNano } from '../consensus/nano.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import type { Seat } from '../events/snapshot.ts';
import type { Vector } from '../events/weights.ts';

type Of<Type extends DomainEvent['type']> = Extract<DomainEvent, { type: Type }>['data'];

/** What an event says, in one short line for people: keys and digests are cut, lists are counted. */
export function summarize<Type extends DomainEvent['type']>(
  event: Readonly<{ type: Type; data: Of<Type> }>,
): string {
  return summaries[event.type](event.data);
}

/** A new type of event that nothing is said of here is refused by the compiler. */
const summaries: { readonly [Type in DomainEvent['type']]: (data: Of<Type>) => string } = {
  'run.opened.v1': runOpened,
  'run.closed.v1': (data) => data.reason,
  'snapshot.taken.v1': snapshotTaken,
  'snapshot.missed.v1': (data) =>
    `${data.phase} at block ${data.block}: ${because(data.reason, data.detail)}`,
  'score.recorded.v1': (data) => `${data.task} ${key(data.miner)}: ${scoreOf(data)}`,
  'report.signed.v1': (data) =>
    `${digest(data.digest)}: ${count(data.coverage.length, 'miner')} by ${key(data.hotkey)}`,
  'extrinsic.signed.v1': (data) =>
    `${attempt(data)} ${data.call} ${digest(data.hash)}, for blocks ${data.birth + 1} to ${data.death}`,
  'extrinsic.included.v1': (data) =>
    `${attempt(data)} ${digest(data.hash)} in block ${data.block}, not final yet`,
  'extrinsic.settled.v1': extrinsicSettled,
  'commitments.read.v1': commitmentsRead,
  'commitments.missed.v1': (data) => `by block ${data.block}: ${because(data.reason, data.detail)}`,
  'commitment-proof.read.v1': ({ block, proof, detail }) =>
    proof === null
      ? `none of block ${block}: ${detail}`
      : `of block ${block} ${digest(proof.blockHash)}`,
  'peer-report.accepted.v1': (data) =>
    `${digest(data.digest)} of ${key(data.hotkey)}${relayed(data)}`,
  'peer-report.rejected.v1': (data) => `${key(data.peer)}: ${because(data.reason, data.detail)}`,
  'peer-decision.rejected.v1': (data) => `${key(data.peer)}: ${because(data.reason, data.detail)}`,
  'equivocation.recorded.v1': (data) =>
    `${key(data.hotkey)} signed ${digest(data.firstDigest)} and ${digest(data.digest)}`,
  'owner-pick.observed.v1': (data) =>
    `winner ${keyOrNobody(data.winner)}, share ${formatNano(data.share)}`,
  'owner-pick.missed.v1': (data) => data.detail,
  'inputs.gathered.v1': inputsGathered,
  'decision.made.v1': decisionMade,
  'decision.signed.v1': (data) => `outcome ${digest(data.outcome)} by ${key(data.hotkey)}`,
  'peer-decision.accepted.v1': (data) => `outcome ${digest(data.outcome)} by ${key(data.hotkey)}`,
  'certificate.built.v1': (data) =>
    `${resultOf(data.certificate.outcome)}, ${stake(data.signed, data.total)} signed`,
  'certificate.missed.v1': (data) =>
    `by block ${data.block}, ${stake(data.signed, data.total)} signed`,
  'divergence.recorded.v1': divergence,
  'divergence.repeated.v1': (data) => `inputs ${digest(data.inputs)}, owner ${digest(data.owner)}`,
  'weights.intended.v1': (data) =>
    `${data.mode}, ${data.reason}: ${vector(data.vector)} at block ${data.targetBlock}`,
  'weights.superseded.v1': (data) => `by ${data.by}`,
  'weights.observed.v1': weightsObserved,
  'log.started.v1': (data) => `by ${key(data.hotkey)}`,
  'mode.changed.v1': ({ from, to, figures: { agreement } }) =>
    `${from ?? 'nothing'} to ${to}, ${agreement.agreed} of ${agreement.compared} picks alike`,
  'fact.sealed.v1': (data) => `${data.of} ${data.key}`,
  'scores.opened.v1': () => 'every sealed fact of the run can be read',
  'checkpoint.observed.v1': (data) =>
    `${data.size} events of ${key(data.hotkey)}, root ${digest(data.root)}`,
  'anchors.read.v1': (data) =>
    `${count(data.anchors.length, 'anchor')} in blocks ${data.after + 1} to ${data.upTo}`,
  'evidence.accepted.v1': (data) =>
    `${data.kind} against ${key(data.hotkey)}: ${digest(data.digest)}`,
  'roster.refused.v1': ({ roster, reason, detail }) =>
    `${roster === null ? 'unread' : digest(roster)}: ${because(reason, detail)}`,
  'roster.accepted.v1': (data) =>
    `${digest(data.roster)}: ${count(data.members, 'member')}, epoch ${data.epoch}, tasks ${digest(data.taskSet)}`,
  'archive.accepted.v1': (data) =>
    `${data.submission} of ${key(data.miner)}: ${data.bytes} bytes, ${data.entries} entries, from ${source(data.from)}`,
  'archive.refused.v1': (data) =>
    `${data.submission} of ${key(data.miner)}, from ${source(data.from)}: ${because(data.reason, data.detail)}`,
  'runtime.ready.v1': (data) => `${instance(data)} (${data.adapter})`,
  'runtime.failed.v1': (data) => `${instance(data)}: ${because(data.reason, data.detail)}`,
  'runtime.ended.v1': instance,
  'task.claimed.v1': (data) => `${data.task}, attempt ${data.attempt}`,
  'task.returned.v1': (data) => `${data.task}, attempt ${data.attempt}: ${data.reason}`,
  'reference.made.v1': (data) => `${data.task}: ${data.status}, ${digest(data.reference)}`,
  'task.invoked.v1': (data) =>
    because(
      `${data.task} ${key(data.miner)}: ${data.outcome} in ${data.latencyMs} ms`,
      data.detail,
    ),
  'evidence.gathered.v1': evidenceGathered,
  'task.judged.v1': (data) =>
    because(
      `${data.task} ${key(data.miner)}: ${data.outcome}, ${formatNano(data.composite)}`,
      data.knockout ?? '',
    ),
  'invocation.excused.v1': ({ task, miner, attempt, detail }) =>
    because(`${task} ${key(miner)}: attempt ${attempt}`, detail),
  'verdict.refused.v1': ({ task, miner, refusal, detail }) =>
    because(`${task} ${key(miner)}: refusal ${refusal}`, detail),
  'job.opened.v1': (data) => `${data.task} of ${key(data.miner)}: at most ${usd(data.budget)}`,
  'tool.called.v1': (data) =>
    because(`${data.tool} ${data.status}, ${usd(data.cost)}, for ${data.job}`, data.error ?? ''),
  'cost.reserved.v1': (data) =>
    `${data.provider} ${data.model}, at most ${usd(data.most)}, for ${data.job}`,
  'cost.metered.v1': (data) =>
    because(
      `${data.provider} ${data.model} ${data.status}, ${usd(data.cost)}, for ${data.job}`,
      data.error ?? '',
    ),
  'job.closed.v1': (data) => data.job,
  'submission.received.v1': (data) =>
    `${data.submission} of ${key(data.miner)}: ${data.bytes} bytes, ${digest(data.archive)}`,
  'task-set.published.v1': (data) =>
    `${digest(data.taskSet)}: ${count(data.tasks, 'task')} of ${data.for}`,
  'roster.published.v1': (data) =>
    `${digest(data.roster)}: ${count(data.submissions.length, 'member')}, epoch ${data.epoch}, tasks ${digest(data.taskSet)}`,
  'task.leased.v1': (data) => `${data.task} to ${key(data.validator)}, attempt ${data.attempt}`,
  'lease.ended.v1': (data) => `${data.evaluation}, attempt ${data.attempt}: ${data.reason}`,
  'result.received.v1': (data) =>
    `${data.task} by ${key(data.validator)}: ${count(data.scores.length, 'score')}`,
  'run.ended.v1': (data) => `winner ${keyOrNobody(data.winner)} (${data.reason})`,
};

function evidenceGathered({ task, miner, tools, cost }: Of<'evidence.gathered.v1'>): string {
  const used = tools === null ? 'tools unknown' : `tools ${tools.join(', ') || 'none'}`;
  return `${task} ${key(miner)}: ${costText(cost)}, ${used}`;
}

function costText(cost: Of<'evidence.gathered.v1'>['cost']): string {
  switch (cost.state) {
    case 'known':
      return usd(cost.cost);
    case 'unknown':
      return because('cost unknown', cost.reason);
    case 'left':
      return `${count(cost.calls, 'call')} left under way`;
  }
}

function instance(of: Readonly<{ submission: string; miner: string; attempt: number }>): string {
  return `${of.submission} of ${key(of.miner)}, attempt ${of.attempt}`;
}

/** Who handed something over: the owner, or a peer by its hotkey. */
function source(from: string): string {
  return from === 'owner' ? from : key(from);
}

function usd(nano: number | null): string {
  return nano === null ? 'cost unknown' : `$${formatNano(nano)}`;
}

function runOpened({ tasks, miners, phases }: Of<'run.opened.v1'>): string {
  const { snapshot, commit, decide, certify } = phases;
  return `${count(tasks.length, 'task')}, ${count(miners.length, 'miner')}, blocks ${snapshot}, ${commit}, ${decide}, ${certify}`;
}

function snapshotTaken({ phase, snapshot }: Of<'snapshot.taken.v1'>): string {
  const { voters, miners, block, incumbent } = snapshot;
  return `${phase}: ${count(voters.length, 'voter')}, ${count(miners.length, 'miner')} at block ${block}, incumbent ${seat(incumbent)}`;
}

function scoreOf({ status, score, basis }: Of<'score.recorded.v1'>): string {
  return score === null || status !== 'scored' ? status : `${formatNano(score)} (${basis})`;
}

/** `weights 2`: the second attempt of a run for its purpose. */
function attempt(of: Pick<Of<'extrinsic.settled.v1'>, 'purpose' | 'attempt'>): string {
  return `${of.purpose} ${of.attempt}`;
}

function extrinsicSettled(data: Of<'extrinsic.settled.v1'>): string {
  const { outcome, block, error, detail, retryAt } = data;
  const told = `${attempt(data)} ${outcome} at block ${block}`;
  if (error === null) return because(told, detail);
  const again = retryAt === null ? '' : `, again from block ${retryAt}`;
  return `${told}: ${because(error, detail)}${again}`;
}

function commitmentsRead({ after, upTo, found }: Of<'commitments.read.v1'>): string {
  const twice = found.filter(({ second }) => second !== null).map(({ hotkey }) => key(hotkey));
  const told = `${count(found.length, 'commitment')} in blocks ${after + 1} to ${upTo}`;
  return twice.length === 0 ? told : `${told}, two different ones of ${twice.join(', ')}`;
}

function inputsGathered({ reports, decideBlock }: Of<'inputs.gathered.v1'>): string {
  const accepted = reports.filter(({ status }) => status === 'accepted').length;
  return `${accepted} of ${count(reports.length, 'report')} at block ${decideBlock}`;
}

function decisionMade({ outcome, quorum }: Of<'decision.made.v1'>): string {
  return `${resultOf(outcome)}, ${stake(quorum.reported, quorum.total)} reported`;
}

function resultOf({ kind, reason, winner }: Of<'decision.made.v1'>['outcome']): string {
  return `${kind} ${seat(winner)} (${reason})`;
}

function divergence({
  topOneAgrees,
  consensusWinner,
  ownerWinner,
}: Of<'divergence.recorded.v1'>): string {
  if (topOneAgrees === true) return `both pick ${keyOrNobody(consensusWinner)}`;
  return `consensus ${keyOrNobody(consensusWinner)}, owner ${keyOrNobody(ownerWinner)}`;
}

function weightsObserved({
  attempt,
  block,
  matches,
  vector: found,
  detail,
}: Of<'weights.observed.v1'>) {
  const verdict = matches ? 'as intended' : because('not as intended', detail);
  return `attempt ${attempt}, ${vector(found)} at block ${block}: ${verdict}`;
}

/** `5F3s…k2Qz`: enough of a hotkey to tell the subnet's neurons apart by eye. */
function key(hotkey: string): string {
  return `${hotkey.slice(0, 4)}…${hotkey.slice(-4)}`;
}

function keyOrNobody(hotkey: string | null): string {
  return hotkey === null ? 'nobody' : key(hotkey);
}

function seat(seat: Seat | null): string {
  return keyOrNobody(seat?.hotkey ?? null);
}

const DIGEST_DIGITS = 8;

function digest(hex: string): string {
  return hex.slice(0, DIGEST_DIGITS);
}

function relayed({ hotkey, servedBy }: Of<'peer-report.accepted.v1'>): string {
  return servedBy === hotkey ? '' : `, served by ${key(servedBy)}`;
}

function because(reason: string, detail: string): string {
  return detail === '' ? reason : `${reason}, ${detail}`;
}

/** The share of a stake in per cent, cut to one decimal: it never shows a quorum that was missed as reached. */
function stake(part: string, whole: string): string {
  const total = BigInt(whole);
  if (total === 0n) return 'no stake';
  const tenths = (BigInt(part) * 1_000n) / total;
  return `${tenths / 10n}.${tenths % 10n} %`;
}

/** Who has weight; `nothing` where the chain was unknown. */
function vector(entries: Vector | null): string {
  if (entries === null) return 'nothing';
  const weighed = entries.filter(({ weight }) => weight > 0);
  return weighed.map(({ uid, weight }) => `uid ${uid} = ${weight}`).join(', ');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
