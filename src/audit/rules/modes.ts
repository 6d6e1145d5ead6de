import { encode } from '../../events/ej1.ts';
import { type AuditContext, checkOwnRoot } from '../audit-context.ts';
import { countGate } from '../gate.ts';
import type { Entry } from '../run-record.ts';

/**
 * A change of mode follows the one before it, and what it quotes is true: the figures of the gate over the log
 * before it, counted again, and a checkpoint of this log.
 */
export function modeChanged({ n, data }: Entry<'mode.changed.v1'>, context: AuditContext): void {
  const { log, fault } = context;
  const before = log.mode;
  if (data.number !== before.number + 1 || data.from !== before.mode || data.to === before.mode) {
    const expected = `change ${before.number + 1} from ${before.mode ?? 'nothing'}`;
    fault('order-broken', n, expected, `change ${data.number} from ${data.from ?? 'nothing'}`);
  }
  log.mode = { number: data.number, mode: data.to };
  const figures = countGate(log.closed.get(data.family) ?? [], data.figures.window.size);
  if (encode(figures) !== encode(data.figures))
    fault('gate-differs', n, encode(figures), encode(data.figures));
  if (data.checkpoint !== null)
    checkOwnRoot(data.checkpoint, { n, what: 'the checkpoint that it quotes' }, context);
}
