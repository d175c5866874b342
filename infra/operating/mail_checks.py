"""Whether SES sends the stack's mail."""

from collections.abc import Iterator

from .deployed import ClientError, Stack
from .finding import Finding, aws, deploy, is_reserved


def sender(stack: Stack) -> Iterator[Finding]:
    address = stack.parameters["MailFrom"]
    domain = address.rpartition("@")[2].lower()
    if is_reserved(domain):
        yield Finding(f"MailFrom is {address}, the example's: no mail leaves", deploy("an address of your own as MailFrom"))
        return
    name, identity = _identity(stack, address)
    if identity is None:
        yield Finding(f"SES knows neither {address} nor {domain}", aws(stack, f"sesv2 create-email-identity --email-identity {domain}"))
    elif not identity.get("VerifiedForSendingStatus"):
        show = aws(stack, f"sesv2 get-email-identity --email-identity {name}")
        way = f"follow the link that Amazon mailed to {name}" if "@" in name else f"make the CNAME records of its DkimAttributes: {show}"
        yield Finding(f"SES has not verified {name}", way)


def dkim(stack: Stack) -> Iterator[Finding]:
    name, identity = _identity(stack, stack.parameters["MailFrom"])
    if identity is None or not identity.get("VerifiedForSendingStatus"):
        return  # The sender's line says so.
    attributes = identity.get("DkimAttributes", {})
    if "@" in name:
        if attributes.get("Status") != "SUCCESS":
            domain = name.rpartition("@")[2]
            create = aws(stack, f"sesv2 create-email-identity --email-identity {domain}")
            yield Finding(f"mail from {name} is not signed by its domain (DKIM), and may be taken for spam", create, is_advice=True)
    elif attributes.get("Status") != "SUCCESS":
        show = aws(stack, f"sesv2 get-email-identity --email-identity {name} --query DkimAttributes")
        yield Finding(f"DKIM of {name} is {attributes.get('Status', 'not set up')}", f"make the CNAME records that this shows: {show}")
    elif not attributes.get("SigningEnabled"):
        enable = aws(stack, f"sesv2 put-email-identity-dkim-attributes --email-identity {name} --signing-enabled")
        yield Finding(f"DKIM of {name} is off", enable)


def _identity(stack: Stack, address: str) -> tuple[str, dict | None]:
    """The identity that SES sends an address's mail by: itself, its domain, or a domain above.

    One that is verified wins over one that is not.
    """
    sesv2 = stack.client("sesv2")
    labels = address.rpartition("@")[2].lower().split(".")
    names = [address, *(".".join(labels[start:]) for start in range(max(1, len(labels) - 1)))]
    found: tuple[str, dict | None] = (address, None)
    for name in names:
        try:
            identity = sesv2.get_email_identity(EmailIdentity=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NotFoundException":
                raise
            continue
        if identity.get("VerifiedForSendingStatus"):
            return name, identity
        if found[1] is None:
            found = (name, identity)
    return found


def sandbox(stack: Stack) -> Iterator[Finding]:
    if not stack.client("sesv2").get_account().get("ProductionAccessEnabled"):
        ask = "sesv2 put-account-details --production-access-enabled --mail-type TRANSACTIONAL --website-url " + stack.parameters["BaseUrl"]
        yield Finding("SES is in its sandbox: mail reaches verified addresses alone", aws(stack, ask))


def sending(stack: Stack) -> Iterator[Finding]:
    account = stack.client("sesv2").get_account()
    status = account.get("EnforcementStatus", "HEALTHY")
    if status != "HEALTHY":
        yield Finding(f"Amazon has the account's mail under {status}", "answer the case at https://console.aws.amazon.com/support")
    elif not account.get("SendingEnabled"):
        yield Finding("SES is paused", aws(stack, "sesv2 put-account-sending-attributes --sending-enabled"))
