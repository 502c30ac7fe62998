"""The canonical tables and fields that columns can be mapped to, and the names they often have."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Kind = Literal["id", "text", "number", "integer", "date"]
_FITTING = {
    "id": ("integer", "text", "number"),
    "text": ("text", "integer", "boolean", "number"),
    "number": ("number", "integer", "text"),
    "integer": ("integer", "number", "text"),
    "date": ("date", "datetime", "text", "integer"),
}


@dataclass(frozen=True)
class Field:
    """One canonical column.

    Attributes
    ----------
    title
        What it is, for people.
    kind
        What its values are; of ids, ``domain`` says whose, so that ids of several tables are compared alike.
    required
        Whether a table cannot be mapped without it.
    known
        Names that columns of this meaning often have, in small letters and digits, best first.
    """

    name: str
    title: str
    kind: Kind
    known: str = ""
    required: bool = False
    domain: str = ""

    def fits(self, column_kind: str) -> bool:
        """Whether a column of this kind can hold the field."""
        return column_kind in _FITTING[self.kind]


@dataclass(frozen=True)
class Entity:
    """A canonical table: ``view`` is the staging view it becomes."""

    name: str
    title: str
    view: str
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        """The field of that name."""
        return next((field for field in self.fields if field.name == name), None)


def _id(name: str, title: str, domain: str, known: str, required: bool = False) -> Field:
    return Field(name, title, "id", known, required, domain)


_CUSTOMER = "customerid customernumber customerno custid clientid customer buyerid userid"
_ORDER = "orderid ordernumber orderno invoiceno invoiceid invoicenumber invoice transactionid receiptid order"
_PRODUCT = "productid productcode productnumber sku stockcode itemid articleid articleno product item article"
_DATE = "orderdate purchasedate invoicedate transactiondate saledate salesdate date orderedat createdat day"
_AMOUNT = "amount totalsales sales revenue linetotal total totalamount totalprice salesamount netamount value"
_NAME = "customername clientname companyname company"
_GOODS = "productname itemname name description title"
_LINE = "productline productcategory category productgroup productfamily department segment"
_COUNTRY = "country customercountry shipcountry countryname nation region state market"
_STATUS = "status orderstatus"
_COST = "unitcost buyprice costprice purchaseprice cost"

# fmt: off
_ENTITIES = (
    Entity("sales", "Order lines", "stg_sales", (
        _id("customer_id", "Customer", "customer", _CUSTOMER),
        Field("order_date", "Order date", "date", _DATE),
        _id("order_id", "Order", "order", _ORDER),
        _id("product_id", "Product", "product", _PRODUCT),
        Field("product_name", "Product name", "text", _GOODS),
        Field("product_line", "Product line", "text", _LINE),
        Field("quantity", "Quantity", "integer", "quantity quantityordered qty pieces units"),
        Field("unit_price", "Unit price", "number", "unitprice priceeach itemprice price"),
        Field("amount", "Amount", "number", _AMOUNT),
        Field("unit_cost", "Unit cost", "number", _COST),
        Field("customer_name", "Customer name", "text", _NAME),
        Field("country", "Country or region", "text", _COUNTRY),
        Field("status", "Order status", "text", _STATUS),
    )),
    Entity("orders", "Orders", "stg_orders", (
        _id("order_id", "Order", "order", f"{_ORDER} id", True),
        _id("customer_id", "Customer", "customer", _CUSTOMER, True),
        Field("order_date", "Order date", "date", _DATE, True),
        Field("required_date", "Required date", "date", "requireddate duedate wanteddate"),
        Field("shipped_date", "Shipped date", "date", "shippeddate shipdate deliverydate shippedat"),
        Field("status", "Order status", "text", _STATUS),
    )),
    Entity("customers", "Customers", "stg_customers", (
        _id("customer_id", "Customer", "customer", f"{_CUSTOMER} id", True),
        Field("customer_name", "Name", "text", f"{_NAME} name"),
        Field("contact_name", "Contact", "text", "contactname contact"),
        Field("city", "City", "text", "city town"),
        Field("country", "Country or region", "text", _COUNTRY),
        _id("sales_rep_id", "Sales representative", "employee", "salesrepid salesrepemployeenumber salesrep"),
        Field("credit_limit", "Credit limit", "number", "creditlimit limit"),
    )),
    Entity("products", "Products", "stg_products", (
        _id("product_id", "Product", "product", f"{_PRODUCT} id", True),
        Field("product_name", "Name", "text", _GOODS),
        Field("product_line", "Product line", "text", _LINE),
        Field("vendor", "Vendor", "text", "vendor productvendor supplier brand"),
        Field("scale", "Scale", "text", "scale productscale"),
        Field("buy_price", "Purchase price", "number", _COST),
        Field("msrp", "Suggested retail price", "number", "msrp listprice retailprice"),
        Field("quantity_in_stock", "Stock", "integer", "quantityinstock stock onhand inventory"),
    )),
    Entity("payments", "Payments", "stg_payments", (
        _id("customer_id", "Customer", "customer", _CUSTOMER, True),
        _id("payment_id", "Payment", "payment", "paymentid checknumber paymentnumber reference id"),
        Field("payment_date", "Payment date", "date", "paymentdate paidat paiddate bookingdate date", True),
        Field("amount", "Amount", "number", "amount paymentamount paid value total", True),
    )),
    Entity("employees", "Employees", "stg_employees", (
        _id("employee_id", "Employee", "employee", "employeeid employeenumber staffid id", True),
        Field("employee_name", "Name", "text", "employeename name fullname lastname"),
        Field("job_title", "Job title", "text", "jobtitle title role position"),
        _id("office_id", "Office", "office", "officeid officecode office branchid"),
        _id("reports_to", "Superior", "employee", "reportsto managerid superior"),
    )),
    Entity("offices", "Sales offices", "stg_offices", (
        _id("office_id", "Office", "office", "officeid officecode branchid id", True),
        Field("office_name", "Name", "text", "officename name city branch"),
        Field("country", "Country", "text", "country"),
        Field("territory", "Territory", "text", "territory region"),
    )),
)
# fmt: on

ENTITIES = MappingProxyType({entity.name: entity for entity in _ENTITIES})
"""All canonical tables by name; order lines (``sales``) alone are enough to explore sales."""

VIEWS = tuple(entity.view for entity in _ENTITIES)
