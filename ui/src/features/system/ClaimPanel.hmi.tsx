import { useState } from 'react';

import type { ClaimCode, DeviceIdentity } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';
import { usePin } from '@/shared/pin/store';

import { fetchClaim } from './requests';

/** Who this box is to the cloud, and - with the PIN - the code that lets a person take it in. */
export function ClaimPanel({ identity }: { identity: DeviceIdentity }) {
  const { t } = useT();
  const require = usePin((pin) => pin.require);
  const [claim, setClaim] = useState<ClaimCode | null>(null);
  const [failed, setFailed] = useState(false);
  const show = () =>
    require(() => {
      setFailed(false);
      fetchClaim()
        .then(setClaim)
        .catch(() => setFailed(true));
    });
  return (
    <>
      {identity.waits_for !== '' && (
        <div className="claim-waits" role="status">
          <p>{t('claim.waits')}</p>
          <p className="dim">{identity.waits_for}</p>
        </div>
      )}
      <div className="claim">
        {claim !== null && <ClaimImage svg={claim.qr_svg} />}
        <dl className="facts">
          <div>
            <dt>{t('claim.fingerprint')}</dt>
            <dd className="number">{identity.fingerprint}</dd>
          </div>
          {claim !== null && (
            <div>
              <dt>{t('claim.code')}</dt>
              <dd className="number">{claim.code}</dd>
            </div>
          )}
        </dl>
      </div>
      {claim === null && !identity.admitted && (
        <button type="button" className="button" onClick={show}>
          {t('claim.show')}
        </button>
      )}
      {failed && <p role="alert">{t('claim.failed')}</p>}
    </>
  );
}

function ClaimImage({ svg }: { svg: string }) {
  const { t } = useT();
  const source = `data:image/svg+xml;utf8,${encodeURIComponent(withNamespace(svg))}`;
  return <img src={source} alt={t('claim.image')} width={180} height={180} />;
}

/** An image on its own needs the namespace that an inline element does without. */
function withNamespace(svg: string): string {
  return svg.includes('xmlns')
    ? svg
    : svg.replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"');
}
