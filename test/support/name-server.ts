import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** The types of question that it knows. */
const TYPES = new Map([
  [1, 'A'],
  [28, 'AAAA'],
]);

/**
 * A name server on loopback over UDP. It answers with the addresses that it is given for a name and a type, with none
 * for an empty list, with "no such name" for null, and not at all for a name that it was told nothing of.
 */
export async function nameServer(
  names: Readonly<Record<string, Partial<Record<string, readonly string[]>> | null>>,
): Promise<Readonly<{ address: string; asked: readonly string[] }> & AsyncDisposable> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (question, from) => {
    const { name, type, end } = questionIn(question);
    asked.push(`${TYPES.get(type) ?? type} ${name}`);
    const known = names[name];
    if (known === undefined) return;
    const addresses = known?.[TYPES.get(type) ?? ''] ?? [];
    const header = Buffer.alloc(12);
    question.copy(header, 0, 0, 2);
    header.writeUInt16BE(known === null ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(addresses.length, 6);
    const answers = addresses.map((address) => recordOf(type, address));
    socket.send(Buffer.concat([header, question.subarray(12, end), ...answers]), from.port);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    [Symbol.asyncDispose]: () => new Promise((resolve) => void socket.close(() => resolve())),
  };
}

function questionIn(message: Buffer): Readonly<{ name: string; type: number; end: number }> {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at]; length !== undefined && length > 0; length = message[at]) {
    labels.push(message.toString('ascii', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

/** An answer to the only question, for a minute. */
function recordOf(type: number, address: string): Buffer {
  const data =
    type === 1
      ? Buffer.from(address.split('.').map(Number))
      : Buffer.from(address.replaceAll(':', ''), 'hex');
  const record = Buffer.alloc(12);
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(60, 6);
  record.writeUInt16BE(data.length, 10);
  return Buffer.concat([record, data]);
}
