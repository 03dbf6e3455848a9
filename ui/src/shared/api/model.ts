/** What the servers say, under the names the screens use. Values are SI base units, times ISO 8601 in UTC.
 * Derived from the two OpenAPI files, so that a change of either shows as a type error here. */
import type { components as cloud } from './cloud.gen';
import type { components as edge } from './edge.gen';

type Cloud = cloud['schemas'];
type Edge = edge['schemas'];

/** The edge's answer, and of an object its cloud twin: what both promise. */
type Either<A, B> = A | B;

export type Quality = Cloud['ChannelValue']['quality'];
export type Severity = Cloud['Alarm']['severity'];
export type Channel = Cloud['ChannelDescription'];
export type Component = Cloud['ComponentDescription'];
export type CloudSite = Cloud['SiteDescription'];
export type Site = Omit<CloudSite, 'online' | 'last_seen_at' | 'device'>;
export type Why = Cloud['Why'];
export type ChannelValue = Cloud['ChannelValue'];
export type Values = Record<string, ChannelValue>;
export type Latest = Either<Cloud['Latest'], Edge['Latest']>;
export type Series = Cloud['Series'];
export type History = Cloud['History'];
/** What only the cloud says of an alarm. */
type CloudOnly = 'site_id' | 'origin' | 'escalated_at' | 'rule_id' | 'value' | 'silenced_until';
export type Alarm = Omit<Cloud['Alarm'], CloudOnly> & Partial<Pick<Cloud['Alarm'], CloudOnly>>;
export type SiteOverview = Cloud['SiteSummary'];
export type EnergySummary = Cloud['Summary'];
export type Me = Cloud['Me'];
export type OwnSession = Cloud['Session'];
export type SecondFactorSecret = Cloud['SecondFactorSecret'];
export type RecoveryCodes = Cloud['RecoveryCodes'];
export type Box = Cloud['Device'];
export type Claim = Cloud['Claim'];
export type ClaimRequest = Cloud['ClaimRequest'];
export type Command = Cloud['Command'];
export type CommandRequest = Cloud['CommandRequest'];
export type Order = CommandRequest['order'];
export type Batch = Cloud['Batch'];
export type BatchRequest = Cloud['BatchRequest'];
export type ChannelFacts = Cloud['ChannelMetadata'];
export type CycleHealth = Edge['CycleHealth'];
export type SyncStatus = Edge['SyncStatus'];
export type DeviceIdentity = Edge['DeviceIdentity'];
export type ClaimCode = Edge['ClaimCode'];
export type Override = Edge['Override'];
export type OverrideRequest = Edge['OverrideRequest'];
export type Fault = Edge['Fault'];
export type Action = Edge['Action'];
export type LimitEvent = Edge['LimitEvent'];

/** Fails to compile when the edge and the cloud no longer say the same of a site, an alarm or a history. */
type Same<A extends B, B> = A;
export type EdgeSite = Same<Edge['SiteDescription'], Site>;
export type EdgeAlarm = Same<Edge['Alarm'], Alarm>;
export type EdgeHistory = Same<Edge['History'], History>;
