"""The connection that an endpoint asks for, proven by the box's own keys or by those of its claim code."""

from __future__ import annotations

from dataclasses import dataclass

import zmq.asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simems_core.web_proof import topic_name

from simems_edge.sync.identity import DeviceKeys, Identity
from simems_edge.sync.link import Cloud, Connection, Link, LinkError
from simems_edge.sync.mqtt_link import MqttLink
from simems_edge.sync.web_link import HttpsLink, Proof, WebSocketLink


@dataclass(frozen=True)
class Papers:
    """``broker_name``: whose topic is used at a broker; empty: that of ``keys``. ``listens``: something may come that
    was not asked for."""

    keys: DeviceKeys
    signing_key: Ed25519PrivateKey | None
    broker_name: str = ""
    listens: bool = True


def claim_papers(identity: Identity) -> Papers:
    """Those of the claim code; at a broker the box keeps its own name, for which its certificate is."""
    return Papers(identity.claim_keys, identity.claim_signing_key, identity.broker_name, listens=False)


def connection_to(cloud: Cloud, context: zmq.asyncio.Context, papers: Papers) -> Connection:
    """By the endpoint's scheme. Raises LinkError."""
    if not cloud.is_web:
        return Link(context, cloud, papers.keys)
    if papers.signing_key is None:
        raise LinkError(f"{cloud.endpoint}: needs the box's signing key")
    public_key = papers.keys.public_key
    if cloud.is_mqtt:
        return MqttLink(cloud, public_key, papers.signing_key, papers.broker_name or topic_name(public_key))
    proof = Proof(public_key, papers.signing_key)
    if cloud.endpoint.startswith("http"):
        return HttpsLink(cloud, proof, polls=papers.listens)
    return WebSocketLink(cloud, proof)
