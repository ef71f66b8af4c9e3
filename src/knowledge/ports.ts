import type { NeedOf } from '../model.ts';

/** A port or a range of them under tcp or udp, or protocol 4, which is IP-in-IP. */
export type PortNeed = NeedOf<'port'>;

/** "10250/tcp", "30000-32767/udp", "protocol-4": as ids and people write it. */
export const portText = (need: PortNeed): string => (need.protocol === '4' ? 'protocol-4' : `${need.port}/${need.protocol}`);

/** Whether a port or range, as "443" or "30000-32767" or "30000:32767", has all of another. */
export const coversPort = (outer: string, inner: string): boolean => {
  const [[a, b], [c, d]] = [boundsOf(outer), boundsOf(inner)];
  return a <= c && d <= b;
};

const boundsOf = (port: string): readonly [number, number] => {
  const [first = Number.NaN, last = first] = port.split(/[-:]/).map(Number);
  return [first, last];
};

/** Whether a firewall's word for a protocol means IP-in-IP. /etc/protocols calls number 4 ipencap; its "ipip" is 94, another one. */
export const isIpInIp = (protocol: string): boolean => ['4', 'ipencap', 'ip-encap'].includes(protocol.toLowerCase());
