import factory
from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts.models import BotRegistration, MessengerAccount, Organization, Usage, User
from accounts.services import CONSENT_VERSION
from telegram_bot.models import TELEGRAM
from tickets import services
from tickets.models import Comment, Face, Product, Ticket

PASSWORD = "correct horse battery"


class OrganizationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Organization

    name = factory.Sequence(lambda n: f"ООО «Клиент {n}»")
    email = factory.Sequence(lambda n: f"office{n}@client.example")


class UserFactory(factory.django.DjangoModelFactory):
    """A customer without an organization."""

    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"user{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    first_name = "Виктор"
    last_name = "Гость"
    password = factory.django.Password(PASSWORD)


class AgentFactory(UserFactory):
    username = factory.Sequence(lambda n: f"agent{n}")
    first_name = "Ольга"
    last_name = "Специалист"
    is_staff = True


class SpecialistFactory(AgentFactory):
    """An agent who may see tickets, and so hears of them."""

    class Meta:
        skip_postgeneration_save = True

    @factory.post_generation
    def right(agent, create, given, **details):
        if create:
            let_serve(agent)


def let_serve(agent: User) -> None:
    agent.user_permissions.add(Permission.objects.get(codename="view_ticket"))


class BotRegistrationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = BotRegistration

    user = factory.SubFactory(UserFactory)
    channel = TELEGRAM
    phone = factory.Sequence(lambda n: f"+7900{n:07}")
    consent_version = CONSENT_VERSION
    consented_at = factory.LazyFunction(timezone.now)
    ip = "203.0.113.5"


class MessengerAccountFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = MessengerAccount
        skip_postgeneration_save = True

    user = factory.SubFactory(UserFactory)
    channel = TELEGRAM
    address = factory.Sequence(lambda n: str(520_000_000 + n))

    @factory.post_generation
    def consent(account, create, given, **details):
        """No link without the registration it was made for."""
        of_person = {"user": account.user, "channel": account.channel}
        if create and not BotRegistration.objects.filter(**of_person, withdrawn_at=None).exists():
            BotRegistrationFactory(**of_person)


class UsageFactory(factory.django.DjangoModelFactory):
    """What a person has done in the minute that runs."""

    class Meta:
        model = Usage

    user = factory.SubFactory(UserFactory)
    kind = "changes"


class ProductFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Product

    name = factory.Sequence(lambda n: f"Продукт {n}")


class TicketFactory(factory.django.DjangoModelFactory):
    """A plain row: any status, no events, no notices. `open_ticket` makes a whole one."""

    class Meta:
        model = Ticket

    requester = factory.SubFactory(UserFactory)
    organization = factory.SelfAttribute("requester.organization")
    product = factory.SubFactory(ProductFactory)
    title = factory.Sequence(lambda n: f"Не открывается отчёт {n}")
    description = "Белый экран после входа."
    face = Face.PORTAL


class CommentFactory(factory.django.DjangoModelFactory):
    """A plain row: no event, no notices. `services.add_comment` makes a whole one."""

    class Meta:
        model = Comment

    ticket = factory.SubFactory(TicketFactory)
    author = factory.SelfAttribute("ticket.requester")
    by_agent = factory.LazyAttribute(lambda comment: comment.author.is_staff)
    body = "Повторяется каждый день."
    face = Face.PORTAL


def open_ticket(requester: User, **given) -> Ticket:
    """A ticket opened the way people do, with its event."""
    details = {
        "title": "Не открывается отчёт",
        "description": "Белый экран после входа.",
        "face": Face.PORTAL,
    }
    product = given.pop("product", None) or ProductFactory()
    return services.open_ticket(requester=requester, product=product, **(details | given))
