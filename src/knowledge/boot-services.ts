import { listed } from '../answers.ts';
import type { Answers, Query } from '../model.ts';
import { isMask } from './systemd.ts';

/** The services that read modules-load.d and sysctl.d at boot. */
type BootService = 'systemd-modules-load.service' | 'systemd-sysctl.service';

const pathOf = (service: BootService): string => `/etc/systemd/system/${service}`;

/** What to ask in order to know whether such a service is masked. */
export const bootServiceQueries = (service: BootService): Query[] => [{ ask: 'list', glob: pathOf(service) }];

/** The mask of such a service; undefined where there is none. Without it, nothing in its folders counts at boot. */
export const maskOfService = (answers: Answers, service: BootService): string | undefined =>
  listed(answers, pathOf(service)).find(isMask)?.path;

/** What a person is told where a mask is in the way. */
export const maskedService = (
  answers: Answers,
  service: BootService,
): { readonly reason: string; readonly remedy: string } | undefined => {
  const mask = maskOfService(answers, service);
  return mask === undefined
    ? undefined
    : {
        reason: `${mask} masks the service that reads ${service.includes('sysctl') ? 'sysctl.d' : 'modules-load.d'} at boot`,
        remedy: `Run systemctl unmask ${service}, then plan again.`,
      };
};
