import { fileText, listed, numbered } from '../answers.ts';
import type { Answers, Query } from '../model.ts';

const acceptGlob = '/proc/sys/net/ipv6/conf/*/accept_ra';
const routes = '/proc/net/ipv6_route';

/** The routes' last column but one has these flags of include/uapi/linux/ipv6_route.h and route.h. */
const RTF_GATEWAY = 0x2;
const RTF_ADDRCONF = 0x40000;

export const advertisementQueries: readonly Query[] = [
  { ask: 'read', path: routes, lines: ['00000000000000000000000000000000 00 '] },
  { ask: 'list', glob: acceptGlob },
];

/**
 * The devices whose IPv6 default route the kernel took from a router advertisement. It takes none any more once forwarding is on,
 * unless accept_ra is 2 (Documentation/networking/ip-sysctl.rst). Where NetworkManager or systemd-networkd listen to
 * advertisements themselves, accept_ra is 0 and the route is not the kernel's.
 */
export const advertisedDevices = (answers: Answers): string[] => {
  const found = numbered(fileText(answers, routes) ?? '').flatMap(({ text }) => {
    const [to, bits, , , , , , , flags, device] = text.trim().split(/\s+/);
    const set = Number.parseInt(flags ?? '0', 16);
    const advertised = (set & RTF_GATEWAY) !== 0 && (set & RTF_ADDRCONF) !== 0;
    return to && /^0+$/.test(to) && bits === '00' && advertised && device ? [device] : [];
  });
  return [...new Set(found)].filter((device) => ['1', '2'].includes(acceptOf(device, answers)));
};

const acceptOf = (device: string, answers: Answers): string =>
  listed(answers, acceptGlob)
    .find((file) => file.path === `/proc/sys/net/ipv6/conf/${device}/accept_ra`)
    ?.text.trim() ?? '';
