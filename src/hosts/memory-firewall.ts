import { put, textOf } from './memory-files.ts';
import { done, failed } from './memory-machine.ts';
import type { Machine, Ran } from './memory-machine.ts';

/** What the question for the running firewalld, and that for ufw, is called: `scripts` holds the answers. */
const [askFirewalld, askUfw] = ['ask-firewalld', 'ask-ufw'] as const;

const running = (unit: string): string => `/run/systemd/units/invocation:${unit}`;

/** firewall-cmd and firewall-offline-cmd, as far as they open ports: in a zone's file, or in what the running one tells. */
export const firewallCmd = (machine: Machine, words: readonly string[], offline: boolean): Ran => {
  const zone = words.find((word) => word.startsWith('--zone='))?.slice(7) ?? 'public';
  if (words.some((word) => word.startsWith('--remove-'))) return shut(machine, zone, words);
  const [ports, protocols] = ['--add-port=', '--add-protocol='].map((option) =>
    words.filter((word) => word.startsWith(option)).map((word) => word.slice(option.length)),
  );
  if (!offline && !machine.files.has(running('firewalld.service'))) return failed(252, 'FirewallD is not running');
  if (ports?.length && protocols?.length)
    return failed(2, 'error: argument --add-protocol: not allowed with argument --add-port');
  const permanent = offline || words.includes('--permanent');
  return permanent
    ? intoFile(machine, zone, ports ?? [], protocols ?? [])
    : intoKernel(machine, zone, ports ?? [], protocols ?? []);
};

const intoFile = (machine: Machine, zone: string, ports: readonly string[], protocols: readonly string[]): Ran => {
  const own = `/etc/firewalld/zones/${zone}.xml`;
  const text = textOf(machine.files, own) || textOf(machine.files, `/usr/lib/firewalld/zones/${zone}.xml`);
  if (text === '') return failed(112, `INVALID_ZONE: ${zone}`);
  const added = [
    ...ports.map((port) => `  <port port="${port.split('/')[0] ?? ''}" protocol="${port.split('/')[1] ?? ''}"/>\n`),
    ...protocols.map((protocol) => `  <protocol value="${protocol}"/>\n`),
  ];
  put(machine, own, text.replace('</zone>', `${added.join('')}</zone>`), '0644');
  return done;
};

const intoKernel = (machine: Machine, zone: string, ports: readonly string[], protocols: readonly string[]): Ran => {
  const blocks = (machine.scripts.get(askFirewalld) ?? '').split(/\n(?=\S)/);
  if (!blocks.some((block) => block.startsWith(zone))) return failed(112, `INVALID_ZONE: ${zone}`);
  const opened = blocks.map((block) =>
    block.startsWith(zone)
      ? block
          .replace(/^( +ports:.*)$/m, (line) => [line.trimEnd(), ...ports].join(' '))
          .replace(/^( +protocols:.*)$/m, (line) => [line.trimEnd(), ...protocols].join(' '))
      : block,
  );
  machine.scripts.set(askFirewalld, opened.join('\n'));
  return done;
};

/** In the running firewall alone. */
const shut = (machine: Machine, zone: string, words: readonly string[]): Ran => {
  const gone = words.flatMap((word) => /^--remove-(?:port|protocol)=(.*)$/.exec(word)?.[1] ?? []);
  const blocks = (machine.scripts.get(askFirewalld) ?? '')
    .split(/\n(?=\S)/)
    .map((block) =>
      block.startsWith(zone)
        ? block.replace(/^( +(?:ports|protocols):)(.*)$/gm, (_, key: string, rest: string) =>
            [key, ...rest.split(' ').filter((word) => word !== '' && !gone.includes(word))].join(' '),
          )
        : block,
    );
  machine.scripts.set(askFirewalld, blocks.join('\n'));
  return done;
};

/** ufw: `allow PORT/PROTOCOL` writes a rule or turns the same one round, `disable` says so in its file. */
export const ufw = (machine: Machine, words: readonly string[]): Ran => {
  const [verb, what = ''] = words.filter((word) => word !== '--force');
  if (!machine.files.has('/etc/ufw/ufw.conf')) return failed(127, 'ufw: not found');
  if (verb === 'reload') return done;
  if (verb === 'enable') {
    put(machine, '/etc/ufw/ufw.conf', textOf(machine.files, '/etc/ufw/ufw.conf').replace(/^ENABLED=.*$/m, 'ENABLED=yes'), 'keep');
    machine.scripts.set(askUfw, 'running\n');
    return done;
  }
  if (verb === 'disable') {
    put(machine, '/etc/ufw/ufw.conf', textOf(machine.files, '/etc/ufw/ufw.conf').replace(/^ENABLED=.*$/m, 'ENABLED=no'), 'keep');
    machine.scripts.delete(askUfw);
    return done;
  }
  const [port = '', protocol = ''] = what.split('/');
  if (verb !== 'allow' || !/^[\d:]+$/.test(port)) return failed(1, 'ERROR: Bad port');
  const tuple = `${protocol} ${port} 0.0.0.0/0 any 0.0.0.0/0 in`;
  const lines = textOf(machine.files, '/etc/ufw/user.rules')
    .split('\n')
    .filter((line) => line !== '');
  const others = lines.map((line) => (line.endsWith(` ${tuple}`) ? `### tuple ### allow ${tuple}` : line));
  const rules = others.includes(`### tuple ### allow ${tuple}`) ? others : [...others, `### tuple ### allow ${tuple}`];
  put(machine, '/etc/ufw/user.rules', `${rules.join('\n')}\n`, 'keep');
  return done;
};

/** Firewalls at boot: what is asked of the running ones is what their files say. */
export const startFirewalls = (machine: Machine): void => {
  const { files, scripts } = machine;
  if (!/^ENABLED=yes$/m.test(textOf(files, '/etc/ufw/ufw.conf'))) scripts.delete(askUfw);
  if (!files.has(running('firewalld.service'))) scripts.delete(askFirewalld);
  else
    scripts.set(
      askFirewalld,
      (scripts.get(askFirewalld) ?? '')
        .split(/\n(?=\S)/)
        .map((block) => fromFile(machine, block))
        .join('\n'),
    );
};

const fromFile = ({ files }: Machine, block: string): string => {
  const zone = /^\S+/.exec(block)?.[0] ?? '';
  const text = textOf(files, `/etc/firewalld/zones/${zone}.xml`) || textOf(files, `/usr/lib/firewalld/zones/${zone}.xml`);
  const ports = [...text.matchAll(/<port port="([^"]+)" protocol="([^"]+)"/g)].map((m) => `${m[1] ?? ''}/${m[2] ?? ''}`);
  const protocols = [...text.matchAll(/<protocol value="([^"]+)"/g)].map((m) => m[1] ?? '');
  return block
    .replace(/^( +ports:).*$/m, (_, key: string) => [key, ...ports].join(' '))
    .replace(/^( +protocols:).*$/m, (_, key: string) => [key, ...protocols].join(' '));
};
