/** A syslog message as audit repositories take it (RFC 5424; PS3.15 Annex A.6): its line, and its frame on a stream (RFC 5425). Pure. */

export interface SyslogHeader {
  /** 0 to 23; 10: security and authorization messages. */
  readonly facility: number;
  /** 0 to 7; 5: notice. */
  readonly severity: number;
  readonly atMs: number;
  readonly host: string;
  readonly application: string;
  readonly processId: string;
  readonly messageId: string;
}

/** A field of the header: printable ASCII without spaces, no longer than `longest`; `-` for none. */
function field(value: string, longest: number): string {
  const plain = value.replaceAll(/[^\x21-\x7e]/g, '_').slice(0, longest);
  return plain === '' ? '-' : plain;
}

/** Says that UTF-8 follows (RFC 5424 section 6.4). */
const byteOrderMark = '\uFEFF';

/** The message with its header, UTF-8, not framed. */
export function syslogMessage(header: SyslogHeader, text: string): Uint8Array {
  const { facility, severity, atMs, host, application, processId, messageId } = header;
  const fields = [
    `<${8 * facility + severity}>1`,
    new Date(atMs).toISOString(),
    field(host, 255),
    field(application, 48),
    field(processId, 128),
    field(messageId, 32),
    '-', // no structured data
  ];
  return Buffer.from(`${fields.join(' ')} ${byteOrderMark}${text}`, 'utf8');
}

/** The message as it stands in a stream: its length in bytes, a space, itself (RFC 5425 section 4.3, RFC 6587 section 3.4.1). */
export const framed = (message: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`${message.length} `, 'latin1'), message]);
